package history

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"bellwether"
)

// maxMembers bounds how many ids may be joined to one person: links beyond it are kept as refused.
const maxMembers = 1000

// maxDepth bounds how far a chain of aliases is followed.
const maxDepth = 100

// A person's events before sign-in carry an anonymous id alone. A login (identify with both ids) or an alias joins the
// two from the moment it was received, within its consent scope: links are followed in the order of the log. The first
// login owns a device. Only an alias joins two subjects.
//
// Links are kept twice: at the member (what it was joined to) and at the one it was joined to (who its members are), so
// that a person is found from any id, and all its ids from the person, without looking at anybody else.

// parent is what a name was joined to within a scope.
type parent struct {
	name  bellwether.Subject
	since int64 // received, Unix nanoseconds
	place place // of the event that said so
	event bellwether.EventID
	batch string // the import that said so
}

func (p *parent) encode() []byte {
	b := p.place.append(binary.BigEndian.AppendUint64(nil, uint64(p.since)))
	return append(appendText(appendText(b, string(p.name)), p.batch), p.event...)
}

func (p *parent) decode(b []byte) error {
	if len(b) < 20 {
		return errEntry
	}
	p.since, p.place = int64(binary.BigEndian.Uint64(b)), placeOf(b[8:])
	r := entryReader{s: string(b[20:])}
	p.name, p.batch = bellwether.Subject(r.text()), r.text()
	p.event = bellwether.EventID(r.s)
	if r.bad {
		return errEntry
	}
	return nil
}

func linkKey(name bellwether.Subject, scope string) []byte {
	return append(kindKey(name, linkKind), scope...)
}

func memberKey(name bellwether.Subject, scope string, member bellwether.Subject) []byte {
	return append(append(append(kindKey(name, memberKind), scope...), 0), member...)
}

func noteKey(name bellwether.Subject, p place) []byte { return p.append(kindKey(name, noteKind)) }

// getter reads the view, or the changes of a fold.
type getter interface {
	Get(key []byte) ([]byte, error)
}

// parentOf returns what a name was joined to within a scope; false: nothing.
func parentOf(g getter, name bellwether.Subject, scope string) (p parent, ok bool, err error) {
	b, err := g.Get(linkKey(name, scope))
	if err != nil || b == nil {
		return p, false, err
	}
	if err := p.decode(b); err != nil {
		return p, false, err
	}
	undone, err := isUndone(g, p.batch)
	return p, !undone, err
}

// rootOf follows the links of a scope from a name.
func rootOf(g getter, name bellwether.Subject, scope string) (bellwether.Subject, error) {
	for range maxDepth {
		p, ok, err := parentOf(g, name, scope)
		if err != nil || !ok {
			return name, err
		}
		name = p.name
	}
	return name, nil
}

// foldLink joins the ids that a login or alias names.
func foldLink(w writer, e *bellwether.Event, at place) error {
	subject := squeeze(e.Subject)
	if subject == "" {
		return nil
	}
	switch {
	case e.Type == bellwether.Identify && device(e.Anonymous) != "":
		return join(w, e, at, subject, []bellwether.Subject{device(e.Anonymous)}, true)
	case e.Type == bellwether.Alias && squeeze(e.Previous) != "":
		// The id that is replaced may have been a subject or a device: nobody says which.
		previous := bellwether.Subject(squeeze(e.Previous))
		return join(w, e, at, subject, []bellwether.Subject{previous, device(bellwether.AnonymousID(previous))}, false)
	}
	return nil
}

// What became of a login or alias.
const (
	linkJoined   = 'j'
	linkKnown    = 'k'
	linkConflict = 'c'
	linkRefused  = 'r'
)

func join(w writer, e *bellwether.Event, at place, subject bellwether.Subject, members []bellwether.Subject, login bool) error {
	scope, became, text := scopeOf(e.Consent), byte(linkKnown), ""
	for _, m := range members {
		done, owner, err := joinOne(w, e, at, scope, subject, m, login)
		if err != nil {
			return err
		}
		if became == linkKnown || done == linkJoined {
			became, text = done, string(m)+"\x00"+string(owner)
		}
	}
	w.Set(noteKey(subject, at), append(appendText([]byte{became}, string(e.ID)), text...))
	return nil
}

// joinOne joins one member to a subject, and returns what became of it and who the member belonged to.
func joinOne(w writer, e *bellwether.Event, at place, scope string, subject, member bellwether.Subject, login bool) (byte, bellwether.Subject, error) {
	to, err := rootOf(w, subject, scope)
	if err != nil {
		return 0, "", err
	}
	top, err := rootOf(w, member, scope)
	switch {
	case err != nil:
		return 0, "", err
	case top == to:
		return linkKnown, to, nil
	case login && top != member:
		return linkConflict, top, nil
	}
	count, err := members(w, to)
	if err != nil {
		return 0, "", err
	}
	if count >= maxMembers {
		return linkRefused, to, nil
	}
	p := parent{name: to, since: e.Received.UnixNano(), place: at, event: e.ID, batch: e.Import}
	w.Set(linkKey(top, scope), p.encode())
	w.Set(memberKey(to, scope, top), binary.AppendUvarint(nil, uint64(count+1)))
	w.Set(countKey(to), binary.AppendUvarint(nil, uint64(count+1)))
	return linkJoined, to, nil
}

// countKey holds how many members a name has. It sorts before the members' scopes, which are empty or hold letters.
func countKey(name bellwether.Subject) []byte { return append(kindKey(name, memberKind), 0, 0, 0) }

func members(g getter, name bellwether.Subject) (int, error) {
	b, err := g.Get(countKey(name))
	if err != nil || b == nil {
		return 0, err
	}
	n, _ := binary.Uvarint(b)
	return int(n), nil
}

// memberOf reads the part of a member's key behind its kind.
func memberOf(rest []byte) (scope string, member bellwether.Subject, ok bool) {
	at := bytes.IndexByte(rest, 0)
	if at < 0 || bytes.Equal(rest, []byte{0, 0, 0}) {
		return "", "", false
	}
	return string(rest[:at]), bellwether.Subject(rest[at+1:]), true
}

// note is what became of a login or alias.
type note struct {
	became byte
	event  bellwether.EventID
	member string
	owner  string
}

func (n *note) decode(b []byte) error {
	if len(b) == 0 {
		return errEntry
	}
	n.became = b[0]
	r := entryReader{s: string(b[1:])}
	n.event = bellwether.EventID(r.text())
	if r.bad {
		return errEntry
	}
	member, owner, _ := bytes.Cut([]byte(r.s), []byte{0})
	n.member, n.owner = string(member), string(owner)
	return nil
}

// count adds the note to the rules' rows.
func (n *note) count(t *tally) {
	identity := t.of(ruleIdentity)
	identity.Seen++
	switch n.became {
	case linkJoined:
		identity.Changed++
		identity.example(n.event, func() string { return n.member }, func() string { return n.owner })
	case linkConflict:
		t.of(ruleIdentityConflict).see(n.event, func() string { return fmt.Sprintf("%s belongs to %s", n.member, n.owner) })
	case linkRefused:
		t.of(ruleIdentityConflict).see(n.event, func() string {
			return fmt.Sprintf("%s has %d ids already: %s was not joined", n.owner, maxMembers, n.member)
		})
	}
}
