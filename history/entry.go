package history

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"bellwether"
)

// entry is an event as it came, with what the rules look at.
type entry struct {
	bellwether.Event // without Raw and UserAgent
	place            place
	digest           uint64 // of what the event says: equal content has equal digests
	robot            bool   // its user agent says that a program sent it
	scope            string // of its consent
	owner            int32  // index of the identity that sent it
}

// The flags of an entry name the fields that follow, in this order.
const (
	hasSubject = 1 << iota // the event has both ids; else the key names the one that it has
	hasAnonymous
	hasPrevious
	hasSession
	hasItem
	hasQuantity
	hasPrice
	hasValue
	hasOrder
	hasPosition
	hasChannel
	hasCampaign
	hasCreative
	hasDecision
	hasConsent
	hasTraits
	isRobot
	hasImport
)

// appendEntry writes e behind b. The view is rebuilt when its version changes, so that the form may be as compact
// as its readers want: flags, digest, time from occurrence to receipt, then the fields that are set.
func appendEntry(b []byte, e *bellwether.Event) []byte {
	flags, at := uint64(0), len(b)
	put := func(flag uint64, s string) {
		if s != "" {
			flags |= flag
			b = appendText(b, s)
		}
	}
	number := func(flag uint64, v int64) {
		if v != 0 {
			flags |= flag
			b = binary.AppendVarint(b, v)
		}
	}
	b = binary.BigEndian.AppendUint64(append(b, 0, 0, 0), contentDigest(e))
	b = binary.AppendVarint(b, int64(e.Received.Sub(e.Occurred)))
	b = appendText(appendText(b, string(e.ID)), string(e.Type))
	put(hasSubject, string(e.Subject))
	put(hasAnonymous, string(e.Anonymous))
	put(hasPrevious, e.Previous)
	put(hasSession, e.Session)
	put(hasItem, string(e.Item))
	number(hasQuantity, e.Quantity)
	if !e.Price.IsZero() {
		flags |= hasPrice
		b = appendText(binary.AppendVarint(b, e.Price.Amount), string(e.Price.Currency))
	}
	if e.Value != 0 {
		flags |= hasValue
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(e.Value))
	}
	put(hasOrder, e.Order)
	number(hasPosition, int64(e.Position))
	put(hasChannel, string(e.Channel))
	put(hasCampaign, string(e.Campaign))
	put(hasCreative, string(e.Creative))
	put(hasDecision, string(e.Decision))
	if e.Consent != nil {
		flags |= hasConsent
		b = binary.AppendUvarint(b, uint64(len(e.Consent)))
		for _, p := range e.Consent {
			b = appendText(b, string(p))
		}
	}
	if len(e.Traits) > 0 {
		flags |= hasTraits
		b = appendTraits(b, e.Traits)
	}
	put(hasImport, e.Import)
	if robotAgent(e.UserAgent) && e.Type.Personal() {
		flags |= isRobot
	}
	b[at], b[at+1], b[at+2] = byte(flags), byte(flags>>8), byte(flags>>16)
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTraits writes traits in the order of their names.
func appendTraits(b []byte, traits map[string]any) []byte {
	b = binary.AppendUvarint(b, uint64(len(traits)))
	for _, k := range slices.Sorted(maps.Keys(traits)) {
		b = appendText(b, k)
		switch v := traits[k].(type) {
		case string:
			b = appendText(append(b, 's'), v)
		case float64:
			b = binary.BigEndian.AppendUint64(append(b, 'f'), math.Float64bits(v))
		case int64:
			b = binary.AppendVarint(append(b, 'i'), v)
		case int:
			b = binary.AppendVarint(append(b, 'i'), int64(v))
		case bool:
			if v {
				b = append(b, 't')
			} else {
				b = append(b, 'b')
			}
		default:
			b = append(b, 'n')
		}
	}
	return b
}

var errEntry = errors.New("history: an entry of the view is cut short: rebuild the view")

// entryReader reads an entry from a string, of which the fields are parts: it allocates next to nothing.
type entryReader struct {
	s     string
	bad   bool
	words *words
}

func (r *entryReader) fail() { r.bad, r.s = true, "" }

func (r *entryReader) uvarint() uint64 {
	var v uint64
	for i := 0; i < len(r.s) && i < binary.MaxVarintLen64; i++ {
		c := r.s[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.s = r.s[i+1:]
			return v
		}
	}
	r.fail()
	return 0
}

func (r *entryReader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *entryReader) fixed() uint64 {
	if len(r.s) < 8 {
		r.fail()
		return 0
	}
	v := uint64(0)
	for i := range 8 {
		v = v<<8 | uint64(r.s[i])
	}
	r.s = r.s[8:]
	return v
}

func (r *entryReader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.s)) {
		r.fail()
		return ""
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

// word is a text of which there are few different ones.
func (r *entryReader) word() string { return r.words.of(r.text()) }

func (r *entryReader) char() byte {
	if r.s == "" {
		r.fail()
		return 0
	}
	c := r.s[0]
	r.s = r.s[1:]
	return c
}

// readEntry fills e from the value of an event's key.
func readEntry(e *entry, occurred int64, value string, w *words) error {
	*e = entry{}
	r := entryReader{s: value, words: w}
	if len(r.s) < 3 {
		return errEntry
	}
	flags := uint64(r.s[0]) | uint64(r.s[1])<<8 | uint64(r.s[2])<<16
	r.s = r.s[3:]
	has := func(flag uint64) bool { return flags&flag != 0 }
	e.digest = r.fixed()
	e.Occurred = time.Unix(0, occurred).UTC()
	e.Received = time.Unix(0, occurred+r.varint()).UTC()
	e.ID, e.Type = bellwether.EventID(r.text()), bellwether.EventType(r.word())
	if has(hasSubject) {
		e.Subject = bellwether.Subject(r.text())
	}
	if has(hasAnonymous) {
		e.Anonymous = bellwether.AnonymousID(r.text())
	}
	if has(hasPrevious) {
		e.Previous = r.text()
	}
	if has(hasSession) {
		e.Session = r.text()
	}
	if has(hasItem) {
		e.Item = bellwether.ItemID(r.word())
	}
	if has(hasQuantity) {
		e.Quantity = r.varint()
	}
	if has(hasPrice) {
		e.Price.Amount = r.varint()
		e.Price.Currency = bellwether.Currency(r.word())
	}
	if has(hasValue) {
		e.Value = math.Float64frombits(r.fixed())
	}
	if has(hasOrder) {
		e.Order = r.text()
	}
	if has(hasPosition) {
		e.Position = int32(r.varint())
	}
	if has(hasChannel) {
		e.Channel = bellwether.Channel(r.word())
	}
	if has(hasCampaign) {
		e.Campaign = bellwether.CampaignID(r.word())
	}
	if has(hasCreative) {
		e.Creative = bellwether.CreativeID(r.word())
	}
	if has(hasDecision) {
		e.Decision = bellwether.DecisionID(r.text())
	}
	if has(hasConsent) {
		e.Consent, e.scope = r.consent()
	}
	if has(hasTraits) {
		e.Traits = r.traits()
	}
	if has(hasImport) {
		e.Import = r.word()
	}
	e.robot = has(isRobot)
	if r.bad {
		return errEntry
	}
	return nil
}

// consent reads purposes; equal ones share memory.
func (r *entryReader) consent() ([]bellwether.Purpose, string) {
	start := r.s
	n := r.uvarint()
	if n > uint64(len(r.s)) {
		r.fail()
		return nil, ""
	}
	for range n {
		r.text()
	}
	if r.bad {
		return nil, ""
	}
	return r.words.consent(start[:len(start)-len(r.s)])
}

func (r *entryReader) traits() map[string]any {
	n := r.uvarint()
	if n > uint64(len(r.s)) {
		r.fail()
		return nil
	}
	out := make(map[string]any, n)
	for range n {
		k := r.word()
		switch r.char() {
		case 's':
			out[k] = r.text()
		case 'f':
			out[k] = math.Float64frombits(r.fixed())
		case 'i':
			out[k] = r.varint()
		case 't':
			out[k] = true
		case 'b':
			out[k] = false
		default:
			out[k] = nil
		}
	}
	return out
}

// words makes equal words of different entries share memory. It belongs to one reader.
type words struct {
	known  map[string]string
	scopes map[string]scoped // by the encoded purposes
}

type scoped struct {
	purposes []bellwether.Purpose
	scope    string
}

func newWords() *words { return &words{known: map[string]string{}, scopes: map[string]scoped{}} }

// maxWords bounds the memory of words that turn out to be many.
const maxWords = 1 << 20

func (w *words) of(s string) string {
	if known, ok := w.known[s]; ok {
		return known
	}
	s = strings.Clone(s)
	if len(w.known) < maxWords {
		w.known[s] = s
	}
	return s
}

func (w *words) consent(encoded string) ([]bellwether.Purpose, string) {
	if known, ok := w.scopes[encoded]; ok {
		return known.purposes, known.scope
	}
	r := entryReader{s: encoded, words: w}
	purposes := make([]bellwether.Purpose, r.uvarint())
	for i := range purposes {
		purposes[i] = bellwether.Purpose(strings.Clone(r.text()))
	}
	known := scoped{purposes, scopeOf(purposes)}
	w.scopes[strings.Clone(encoded)] = known
	return known.purposes, known.scope
}

// scopeOf names a set of purposes: a link joins events of one scope, so that a merge never crosses consents. That nothing
// was said is a scope, and that consent was withdrawn (said, and empty) is another one.
func scopeOf(consent []bellwether.Purpose) string {
	if consent == nil {
		return ""
	}
	purposes := make([]string, len(consent))
	for i, p := range consent {
		purposes[i] = string(p)
	}
	slices.Sort(purposes)
	return strings.Join(slices.Compact(purposes), "\x01") + "\x01"
}

// contentDigest is a digest of what an event says, apart from its id, its receipt and the fraction of its second;
// where it belongs to an order, apart from its time: a thank-you page that was loaded twice says the same.
func contentDigest(e *bellwether.Event) uint64 {
	var space [512]byte
	b := space[:0]
	if e.Order == "" {
		b = binary.BigEndian.AppendUint64(b, uint64(e.Occurred.Unix()))
	}
	for _, s := range []string{
		string(typeName(e.Type)), string(squeeze(e.Subject)), string(squeeze(e.Anonymous)), squeeze(e.Previous), squeeze(e.Session), string(squeeze(e.Item)),
		squeeze(e.Order), string(squeeze(e.Channel)), string(squeeze(e.Campaign)), string(squeeze(e.Creative)), string(squeeze(e.Decision)),
		string(e.Price.Currency), e.UserAgent, scopeOf(e.Consent),
	} {
		b = appendText(b, s)
	}
	b = binary.AppendVarint(binary.AppendVarint(b, e.Quantity), e.Price.Amount)
	b = binary.AppendVarint(binary.BigEndian.AppendUint64(b, math.Float64bits(e.Value)), int64(e.Position))
	b = appendTraits(b, e.Traits)
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}

// decodeEntry reads an event's key and value.
func decodeEntry(e *entry, key []byte, value string, w *words) error {
	if len(key) < 20 {
		return errEntry
	}
	tail := key[len(key)-20:]
	if err := readEntry(e, int64(binary.BigEndian.Uint64(tail)), value, w); err != nil {
		return fmt.Errorf("key %x: %w", key, err)
	}
	e.place = placeOf(tail[8:])
	return nil
}
