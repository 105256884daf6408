package history

import (
	"encoding/binary"
	"time"

	"bellwether"

	"github.com/cespare/xxhash/v2"
)

// The view's keys. A name is a subject, or "~" and an anonymous id, as it came but for white space; "" is market
// data and the system's own records, which are about nobody. A bucket is a hash of the name.
//
//	p BUCKET NAME 0 e TIME SEQUENCE INDEX   → an event (entry.go)
//	p BUCKET NAME 0 l SCOPE                 → what the name was joined to within a consent scope (links.go)
//	p BUCKET NAME 0 m SCOPE 0 MEMBER        → a name that was joined to this one
//	p BUCKET NAME 0 n SEQUENCE INDEX        → a login or alias that joined nothing, and why
//	p BUCKET NAME 0 x TIME ID               → a decision, as it is in the log
//	p BUCKET NAME 0 y TIME ID               → its settled outcome
//	k ID                                    → key of the decision
//	t SEQUENCE INDEX                        → id of the decision that was logged there
//	i ITEM                                  → an item, as it was last said
//	u IMPORT                                → the import was taken back: what came with it is not read
const (
	peoplePrefix   = 'p'
	decisionPrefix = 'k'
	loggedPrefix   = 't'
	itemPrefix     = 'i'
	undonePrefix   = 'u'

	eventKind    = 'e'
	linkKind     = 'l'
	memberKind   = 'm'
	noteKind     = 'n'
	decisionKind = 'x'
	outcomeKind  = 'y'
)

// Buckets is the number of parts that people are cut into, by a hash of their subject.
const Buckets = 64

// BucketOf returns the part that a subject belongs to: the six highest bits of XXH64 of its UTF-8 bytes.
func BucketOf(name bellwether.Subject) int { return int(xxhash.Sum64String(string(name)) >> 58) }

// nameKey is the beginning of all keys of a name.
func nameKey(name bellwether.Subject) []byte {
	k := make([]byte, 0, len(name)+48)
	k = append(k, peoplePrefix, byte(BucketOf(name)))
	return append(append(k, name...), 0)
}

// kindKey is the beginning of the keys of one kind of a name.
func kindKey(name bellwether.Subject, kind byte) []byte { return append(nameKey(name), kind) }

// place is where a record lies in the log: it orders what has one time.
type place struct {
	sequence uint64
	index    uint32
}

func (p place) compare(o place) int {
	switch {
	case p.sequence != o.sequence && p.sequence < o.sequence, p.sequence == o.sequence && p.index < o.index:
		return -1
	case p == o:
		return 0
	}
	return 1
}

func (p place) append(k []byte) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(k, p.sequence), p.index)
}

func placeOf(k []byte) place {
	return place{binary.BigEndian.Uint64(k), binary.BigEndian.Uint32(k[8:])}
}

// eventKey orders a name's events by time: times are after 1970, so that the order of unsigned numbers is theirs.
func eventKey(name bellwether.Subject, at time.Time, p place) []byte {
	return p.append(binary.BigEndian.AppendUint64(kindKey(name, eventKind), uint64(at.UnixNano())))
}

// decidedKey is the key of a decision or outcome.
func decidedKey(name bellwether.Subject, kind byte, at time.Time, id bellwether.DecisionID) []byte {
	return append(binary.BigEndian.AppendUint64(kindKey(name, kind), uint64(at.UnixNano())), id...)
}

func decisionKey(id bellwether.DecisionID) []byte { return append([]byte{decisionPrefix}, id...) }

func loggedKey(p place) []byte { return p.append([]byte{loggedPrefix}) }

// undoneNote begins the id of the note in the log that takes an import back; package collect writes it.
const undoneNote = "collect.undone/"

func undoneKey(id string) []byte { return append([]byte{undonePrefix}, id...) }

// isUndone reports whether an import was taken back.
func isUndone(g getter, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	b, err := g.Get(undoneKey(id))
	return b != nil, err
}

func itemKey(id bellwether.ItemID) []byte { return append([]byte{itemPrefix}, id...) }

// sender is the name that an event lies under.
func senderOf(e *bellwether.Event) bellwether.Subject {
	switch {
	case !e.Type.Personal() && e.Subject == "" && e.Anonymous == "":
		return ""
	case e.Subject != "":
		return squeeze(e.Subject)
	}
	return device(e.Anonymous)
}

// device is the name of an anonymous id; "" when it is white space.
func device(a bellwether.AnonymousID) bellwether.Subject {
	if a = squeeze(a); a == "" {
		return ""
	}
	return "~" + bellwether.Subject(a)
}
