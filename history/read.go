package history

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"bellwether"
	"bellwether/store"
)

// source is what was folded: the store's view, or memory.
type source interface {
	getter
	Scan(prefix []byte, fn func(k, v []byte) bool) error
	ScanReverse(prefix []byte, fn func(k, v []byte) bool) error
}

// maxEvents is how many of the newest events under one id are read: beyond it lie machines.
const maxEvents = 10_000

// reader gathers what lies under one person after another. It belongs to one goroutine.
type reader struct {
	source source
	cleaner
	salt string // of the holdout buckets
	asOf int64  // events received later are not read; 0: no limit

	undone map[string]bool // imports, by whether they were taken back, as far as was asked

	arena     []byte // values of the person's events
	spans     []span
	decisions []decided
	decidedAt []int64 // of each identity, when the first decision about it was taken; 0: none
}

// span is an event in the arena.
type span struct {
	from, to int
	key      [20]byte // time, sequence, index
	owner    int32
	scoped   bool   // only events of scope belong to the person
	scope    string // see scoped
}

// decided is a decision or an outcome.
type decided struct {
	outcome bool
	id      bellwether.DecisionID
	at      int64
	data    []byte
}

func (r *reader) begin() {
	r.arena, r.spans, r.entries, r.decisions, r.decidedAt = r.arena[:0], r.spans[:0], r.entries[:0], r.decisions[:0], append(r.decidedAt[:0], 0)
}

// person reads one name as a person: its own events in the scopes in which it was not joined to anybody, and those of
// its members in theirs. It returns nil when nothing is left: then the name belongs to somebody else as a whole.
func (r *reader) person(name bellwether.Subject, decisions bool) (*Person, error) {
	r.begin()
	p := &Person{Subject: name, Identities: []Identity{{ID: name, Parent: -1}}}
	own, err := r.scan(name, decisions)
	if err != nil {
		return nil, err
	}
	return r.finish(p, own, decisions)
}

// own is what lies under a name besides events and decisions.
type own struct {
	links   map[string]bool // scopes in which it was joined to another: decisions about it are then about that other
	members []member
}

type member struct {
	scope string
	name  bellwether.Subject
	depth int
	under int32 // index of the identity that it was joined to
}

// scan reads a name's keys.
func (r *reader) scan(name bellwether.Subject, decisions bool) (own, error) {
	var out own
	prefix := nameKey(name)
	var failed error
	err := r.source.Scan(prefix, func(k, v []byte) bool {
		kind := k[len(prefix)]
		if kind >= decisionKind && !decisions {
			return false
		}
		failed = r.take(&out, kind, k[len(prefix)+1:], v)
		return failed == nil
	})
	return out, cmp.Or(err, failed)
}

// take takes in one key of a name: rest is what follows its kind.
func (r *reader) take(out *own, kind byte, rest, v []byte) error {
	switch kind {
	case eventKind:
		r.addSpan(rest, v, 0, false, "")
	case linkKind:
		var p parent
		if err := p.decode(v); err != nil {
			return err
		}
		if r.asOf != 0 && p.since > r.asOf {
			return nil // not known yet
		}
		if back, err := r.takenBack(p.batch); back || err != nil {
			return err
		}
		if out.links == nil {
			out.links = map[string]bool{}
		}
		out.links[string(rest)] = true
	case memberKind:
		if scope, name, ok := memberOf(rest); ok {
			out.members = append(out.members, member{scope: scope, name: name})
		}
	case noteKind:
		var n note
		if err := n.decode(v); err != nil {
			return err
		}
		n.count(r.tally)
	case decisionKind, outcomeKind:
		r.decided(kind, rest, 0)
		if out.links == nil {
			return r.addDecided(kind, rest, v)
		}
	}
	return nil
}

func (r *reader) addDecided(kind byte, rest, v []byte) error {
	if len(rest) < 8 {
		return errEntry
	}
	r.decisions = append(r.decisions, decided{
		outcome: kind == outcomeKind, at: int64(binary.BigEndian.Uint64(rest)), id: bellwether.DecisionID(rest[8:]), data: slices.Clone(v),
	})
	return nil
}

func (r *reader) addSpan(rest, v []byte, owner int32, scoped bool, scope string) {
	if len(rest) != 20 {
		return
	}
	s := span{from: len(r.arena), owner: owner, scoped: scoped, scope: scope}
	copy(s.key[:], rest)
	r.arena = append(r.arena, v...)
	s.to = len(r.arena)
	r.spans = append(r.spans, s)
}

// finish decodes what was scanned, adds the members' events, and applies the rules.
func (r *reader) finish(p *Person, o own, decisions bool) (*Person, error) {
	members := slices.DeleteFunc(o.members, func(m member) bool { return o.links[m.scope] }) // they went with it to another
	if err := r.addMembers(p, members, decisions); err != nil {
		return nil, err
	}
	if !decisions && len(p.Identities) > 1 {
		if err := r.firstDecision(p.Identities[0].ID); err != nil {
			return nil, err
		}
	}
	r.crowd()
	text := string(r.arena)
	r.entries = slices.Grow(r.entries, len(r.spans))
	for i := range r.spans {
		s := &r.spans[i]
		r.entries = append(r.entries, entry{})
		e := &r.entries[len(r.entries)-1]
		if err := decodeEntry(e, s.key[:], text[s.from:s.to], r.words); err != nil {
			return nil, err
		}
		e.owner = s.owner
		back, err := r.takenBack(e.Import)
		if err != nil {
			return nil, err
		}
		switch {
		case back:
			r.entries = r.entries[:len(r.entries)-1]
			row := r.tally.of(ruleUndone)
			row.Seen++
			row.Dropped++
		case r.asOf != 0 && e.Received.UnixNano() > r.asOf, s.scoped && e.scope != s.scope:
			r.entries = r.entries[:len(r.entries)-1]
		case !s.scoped && o.links[e.scope]: // another person's
			r.entries = r.entries[:len(r.entries)-1]
		case !s.scoped && len(o.links) > 0:
			r.tally.of(ruleConsentScope).see(e.ID, func() string { return string(p.Subject) })
		}
	}
	if len(r.entries) == 0 && len(o.links) > 0 {
		return nil, nil
	}
	r.clean(p)
	r.assign(p)
	return p, r.decide(p)
}

// takenBack reports whether an import was taken back.
func (r *reader) takenBack(id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	back, known := r.undone[id]
	if known {
		return back, nil
	}
	back, err := isUndone(r.source, id)
	if r.undone == nil {
		r.undone = map[string]bool{}
	}
	r.undone[id] = back
	return back, err
}

// assign gives the person the holdout bucket of the identity about which the first decision was taken, so that nobody changes arms
// by signing in; before there is a decision, the subject's own.
func (r *reader) assign(p *Person) {
	who, first := p.Subject, int64(math.MaxInt64)
	for i, at := range r.decidedAt {
		if at != 0 && at < first {
			who, first = p.Identities[i].ID, at
		}
	}
	p.Bucket = bellwether.HoldoutBucket(r.salt, who)
}

// decided notes the first decision about an identity; they come in the order of time.
func (r *reader) decided(kind byte, rest []byte, owner int32) {
	if kind != decisionKind || len(rest) < 8 || r.decidedAt[owner] != 0 {
		return
	}
	if at := int64(binary.BigEndian.Uint64(rest)); r.asOf == 0 || at <= r.asOf {
		r.decidedAt[owner] = at
	}
}

// firstDecision looks up the first decision about the subject where its decisions are not read.
func (r *reader) firstDecision(name bellwether.Subject) error {
	prefix := kindKey(name, decisionKind)
	return r.source.Scan(prefix, func(k, _ []byte) bool {
		r.decided(decisionKind, k[len(prefix):], 0)
		return false // the first one is enough
	})
}

// crowd drops all but the newest events of an id that has too many.
func (r *reader) crowd() {
	if len(r.spans) <= maxEvents {
		return
	}
	count := map[int32]int{}
	for i := range r.spans {
		count[r.spans[i].owner]++
	}
	kept := r.spans[:0]
	for _, s := range r.spans { // an id's events are in the order of time
		if count[s.owner]--; count[s.owner] < maxEvents {
			kept = append(kept, s)
			continue
		}
		crowded := r.tally.of(ruleCrowded)
		crowded.Seen++
		crowded.Dropped++
	}
	r.spans = kept
}

// addMembers reads the events of the ids that were joined to the person, and of those joined to them.
func (r *reader) addMembers(p *Person, todo []member, decisions bool) error {
	for len(todo) > 0 {
		m := todo[0]
		todo = todo[1:]
		if m.depth > maxDepth || len(p.Identities) > 2*maxMembers {
			continue
		}
		owner, spans, arena, decided := int32(len(p.Identities)), len(r.spans), len(r.arena), len(r.decisions)
		r.decidedAt = append(r.decidedAt, 0)
		link, more, err := r.scanMember(m, owner, decisions)
		if err != nil {
			return err
		}
		if link == nil || link.name != p.Identities[m.under].ID { // it is not joined in this scope, that is not known yet, or since to another
			r.spans, r.arena, r.decidedAt, r.decisions = r.spans[:spans], r.arena[:arena], r.decidedAt[:owner], r.decisions[:decided]
			continue
		}
		p.Identities = append(p.Identities, Identity{ID: m.name, Parent: m.under, Since: link.since})
		for _, next := range more {
			if next.scope == m.scope {
				next.depth, next.under = m.depth+1, owner
				todo = append(todo, next)
			}
		}
	}
	return nil
}

// scanMember reads a member's events and members, and the decisions about it if this is what it was joined to last; link is nil if it
// is not joined in the member's scope.
func (r *reader) scanMember(m member, owner int32, decisions bool) (link *parent, more []member, err error) {
	prefix := nameKey(m.name)
	var failed error
	var last parent
	var lastScope string
	err = r.source.Scan(prefix, func(k, v []byte) bool {
		kind, rest := k[len(prefix)], k[len(prefix)+1:]
		switch kind {
		case eventKind:
			r.addSpan(rest, v, owner, true, m.scope)
		case linkKind:
			var p parent
			if failed = p.decode(v); failed != nil || r.asOf != 0 && p.since > r.asOf {
				break
			}
			back := false
			if back, failed = r.takenBack(p.batch); back || failed != nil {
				break
			}
			if p.place.compare(last.place) >= 0 {
				last, lastScope = p, string(rest)
			}
			if string(rest) == m.scope {
				link = &p
			}
		case memberKind:
			if scope, name, ok := memberOf(rest); ok {
				more = append(more, member{scope: scope, name: name})
			}
		case decisionKind, outcomeKind:
			r.decided(kind, rest, owner)
			if !decisions || link == nil || lastScope != m.scope {
				return false
			}
			failed = r.addDecided(kind, rest, v)
		}
		return failed == nil
	})
	return link, more, cmp.Or(err, failed)
}

// decide decodes the decisions that are not settled, and the outcomes of those that are.
func (r *reader) decide(p *Person) error {
	settled := map[bellwether.DecisionID]bool{}
	for i := range r.decisions {
		d := &r.decisions[i]
		if !d.outcome {
			continue
		}
		var o bellwether.Outcome
		if err := store.Decode(d.data, &o); err != nil {
			return err
		}
		settled[d.id] = true
		p.Outcomes = append(p.Outcomes, o)
	}
	for i := range r.decisions {
		d := &r.decisions[i]
		if d.outcome || r.asOf != 0 && d.at > r.asOf {
			continue
		}
		r.tally.total.Decisions++
		if settled[d.id] {
			continue
		}
		var v bellwether.Decision
		if err := store.Decode(d.data, &v); err != nil {
			return err
		}
		p.Decisions = append(p.Decisions, v)
	}
	slices.SortStableFunc(p.Decisions, func(a, b bellwether.Decision) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	p.Known = p.Known || len(p.Decisions)+len(p.Outcomes) > 0
	p.Crossed = crossed(p)
	return nil
}

// crossed reports whether decisions about the person were taken in both arms.
func crossed(p *Person) bool {
	arms := [2]bool{}
	for i := range p.Decisions {
		arms[b2i(p.Decisions[i].Holdout)] = true
	}
	for i := range p.Outcomes {
		arms[b2i(p.Outcomes[i].Holdout)] = true
	}
	return arms[0] && arms[1]
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
