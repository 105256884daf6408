package prepare

import (
	"slices"
	"strings"
	"time"

	"bellwether"
)

// Identities is a union-find whose links carry the time from which they are known, so that it
// answers who a person was taken to be at any moment. An identity is an id within one consent scope.
type Identities struct {
	nodes  map[identity]int32
	names  []string // by node
	parent []int32  // by node; −1: a root
	since  []int64  // by node: when the link to its parent was received, Unix nanoseconds
}

type identity struct{ id, scope string }

// scope names a set of purposes.
func scope(consent []bellwether.Purpose) string {
	if len(consent) == 0 {
		return ""
	}
	purposes := make([]string, len(consent))
	for i, p := range consent {
		purposes[i] = string(p)
	}
	slices.Sort(purposes)
	return strings.Join(slices.Compact(purposes), "\x00") + "\x00"
}

// Subject returns who an id, seen under a consent, was known to be at a moment: itself when it was not joined.
func (s *Identities) Subject(id string, consent []bellwether.Purpose, at time.Time) bellwether.Subject {
	n, ok := s.nodes[identity{id, scope(consent)}]
	if !ok {
		return bellwether.Subject(id)
	}
	return bellwether.Subject(s.names[s.root(n, at.UnixNano())])
}

// node returns the identity's number.
func (s *Identities) node(id, scope string) int32 {
	key := identity{id, scope}
	n, ok := s.nodes[key]
	if !ok {
		n = int32(len(s.names))
		s.nodes[key] = n
		s.names, s.parent, s.since = append(s.names, id), append(s.parent, -1), append(s.since, 0)
	}
	return n
}

// root follows the links that are known at a moment.
func (s *Identities) root(n int32, at int64) int32 {
	for s.parent[n] >= 0 && s.since[n] <= at {
		n = s.parent[n]
	}
	return n
}

// roots returns every node's root at a moment. Long chains are walked once.
func (s *Identities) roots(at int64) []int32 {
	out := make([]int32, len(s.names))
	for i := range out {
		out[i] = -1
	}
	var path []int32
	for i := range out {
		n := int32(i)
		for path = path[:0]; out[n] < 0 && s.parent[n] >= 0 && s.since[n] <= at; n = s.parent[n] {
			path = append(path, n)
		}
		if out[n] < 0 {
			out[n] = n
		}
		for _, p := range path {
			out[p] = out[n]
		}
	}
	return out
}

// mergeIdentities joins identities by logins and aliases and gives every event its subject.
func (c *cleaner) mergeIdentities() {
	s := &Identities{nodes: map[identity]int32{}}
	c.identities, c.owners = s, make([]int32, len(c.events))
	known, links := map[int32]bool{}, []int(nil)
	scopes := scopeNames{}
	for i := range c.events {
		e := &c.events[i]
		name := scopes.of(e.Consent)
		if e.Subject != "" {
			c.owners[i] = s.node(string(e.Subject), name)
			known[c.owners[i]] = true
		} else {
			c.owners[i] = s.node(string(e.Anonymous), name)
		}
		if e.Subject != "" && (e.Type == bellwether.Identify && e.Anonymous != "" || e.Type == bellwether.Alias && e.Previous != "") {
			links = append(links, i)
		}
	}
	slices.SortStableFunc(links, func(a, b int) int { return c.events[a].Received.Compare(c.events[b].Received) })
	joined := c.joinAll(links, known)
	c.attribute(joined)
}

// joinAll follows the links in the order in which they were received and returns the ids that were joined.
func (c *cleaner) joinAll(links []int, known map[int32]bool) map[string]bool {
	identities, conflicts := c.report.rule("identity"), c.report.rule("identity_conflict")
	s, joined := c.identities, map[string]bool{}
	for _, i := range links {
		e := &c.events[i]
		identities.Seen++
		child, login := e.Previous, e.Type == bellwether.Identify
		if login {
			child = string(e.Anonymous)
		}
		from, to := s.node(child, scope(e.Consent)), s.root(c.owners[i], e.Received.UnixNano())
		top := s.root(from, e.Received.UnixNano())
		switch {
		case top == to: // known already
		case login && (top != from || known[from]):
			conflicts.see(e.ID, func() string { return child + " belongs to " + s.names[top] + ", not to " + string(e.Subject) })
		default:
			s.parent[top], s.since[top] = to, e.Received.UnixNano()
			joined[child] = true
			identities.Changed++
			identities.example(string(e.ID), func() string { return child }, func() string { return s.names[to] })
		}
	}
	return joined
}

// attribute writes each event's subject as it is known in the end.
func (c *cleaner) attribute(joined map[string]bool) {
	moved, kept := c.report.rule("attribution"), c.report.rule("consent_scope")
	roots := c.identities.roots(1<<63 - 1)
	for i := range c.events {
		e := &c.events[i]
		if !e.Type.Personal() && e.Subject == "" {
			continue
		}
		owner := c.owners[i]
		name := c.identities.names[owner]
		is := c.identities.names[roots[owner]]
		switch {
		case roots[owner] != owner:
			moved.change(e.ID, name, is)
		case joined[name]: // in another scope
			kept.see(e.ID, func() string { return name })
		}
		e.Subject = bellwether.Subject(is)
	}
}

// scopeNames remembers the names of the scopes of a log, which are few.
type scopeNames map[string]string

func (s scopeNames) of(consent []bellwether.Purpose) string {
	if len(consent) == 0 {
		return ""
	}
	key := make([]byte, 0, 64)
	for _, p := range consent {
		key = append(append(key, p...), 0)
	}
	name, ok := s[string(key)]
	if !ok {
		name = scope(consent)
		s[string(key)] = name
	}
	return name
}
