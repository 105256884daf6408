package history

import (
	"time"

	"bellwether"
)

// Person is one person with a clean history. What it points to is valid until the next person of the same pass;
// a person that a request asked for may be kept, and must not be changed.
type Person struct {
	Subject   bellwether.Subject // canonical; "~" and an anonymous id for a device on which nobody signed in
	Known     bool               // something is in the log about this person
	Traits    map[string]any     // of identify events; the one that occurred last wins
	Consent   []bellwether.Purpose
	Said      bool      // Consent was said: empty then means withdrawn, and not that nobody asked
	Bucket    int       // global holdout bucket, 0–9999, of the identity about which the first decision was taken, else of Subject
	Crossed   bool      // decisions about the person were taken in both arms
	FirstSeen time.Time // of clean events
	LastSeen  time.Time

	// Events are clean and in the order of time (ties: the log's order). Subject is canonical, prices are in
	// the project's currency where a rate is known, Raw is left out.
	Events []bellwether.Event
	Owners []int32 // by event: index in Identities

	// Identities are the ids that this person was seen under; the first one is Subject's own.
	Identities []Identity

	// Decisions about the person in the order of time, of which no settled outcome is in the log yet.
	Decisions []bellwether.Decision
	// Outcomes are settled: their windows are over. In the order of the decisions' time.
	Outcomes []bellwether.Outcome
}

// Identity is an id that a person was seen under, within one consent scope.
type Identity struct {
	ID     bellwether.Subject // "~" and an anonymous id, or a subject
	Parent int32              // index of the identity that it was joined to, −1: none
	Since  int64              // when that became known (received), Unix nanoseconds
}

// SubjectAt returns who event i was taken to be of at a moment: features at time t use links received ≤ t.
func (p *Person) SubjectAt(i int, at time.Time) bellwether.Subject {
	n, t := p.Owners[i], at.UnixNano()
	for p.Identities[n].Parent >= 0 && p.Identities[n].Since <= t {
		n = p.Identities[n].Parent
	}
	return p.Identities[n].ID
}

// Bought reports whether the person ever bought the item and did not only return it: purchases are known for good.
func (p *Person) Bought(item bellwether.ItemID) bool {
	for i := range p.Events {
		if e := &p.Events[i]; e.Type == bellwether.Purchase && e.Item == item {
			return true
		}
	}
	return false
}
