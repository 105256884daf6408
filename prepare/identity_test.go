package prepare

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bellwether"
)

var analytics, everything = []bellwether.Purpose{"analytics"}, []bellwether.Purpose{"personalisation", "analytics"}

// visitorAt is an event of a visitor who is not signed in.
func visitorAt(id, anonymous string, d int, consent []bellwether.Purpose) bellwether.Event {
	e := view(id, "", "tea", day(d))
	e.Anonymous, e.Consent = bellwether.AnonymousID(anonymous), consent
	return e
}

func loginAt(id, anonymous, subject string, d int, consent []bellwether.Purpose) bellwether.Event {
	e := visitorAt(id, anonymous, d, consent)
	e.Type, e.Subject, e.Item = bellwether.Identify, bellwether.Subject(subject), ""
	return e
}

func aliasAt(id, previous, subject string, d int) bellwether.Event {
	e := view(id, subject, "", day(d))
	e.Type, e.Previous = bellwether.Alias, previous
	return e
}

func TestIdentities(t *testing.T) {
	type tallies struct{ links, merges, conflicts, moved, scope int64 }
	for _, test := range []struct {
		name     string
		events   []bellwether.Event
		subjects string // in order
		want     tallies
	}{
		{"before login", []bellwether.Event{visitorAt("1", "x", 0, nil), loginAt("2", "x", "ana", 1, nil), visitorAt("3", "x", 2, nil)}, "[ana ana ana]", tallies{1, 1, 0, 2, 0}},
		{"never signed in", []bellwether.Event{visitorAt("1", "x", 0, nil)}, "[x]", tallies{}},
		{"both ids but no login", []bellwether.Event{visitorAt("1", "x", 0, nil), func() bellwether.Event {
			e := visitorAt("2", "x", 1, nil)
			e.Subject = "ana"
			return e
		}()}, "[x ana]", tallies{}},
		{"login twice", []bellwether.Event{visitorAt("1", "x", 0, nil), loginAt("2", "x", "ana", 1, nil), loginAt("3", "x", "ana", 2, nil)}, "[ana ana ana]", tallies{2, 1, 0, 1, 0}},
		{"two devices", []bellwether.Event{visitorAt("1", "x", 0, nil), visitorAt("2", "y", 0, nil), loginAt("3", "x", "ana", 1, nil), loginAt("4", "y", "ana", 1, nil)}, "[ana ana ana ana]", tallies{2, 2, 0, 2, 0}},
		{"shared device", []bellwether.Event{visitorAt("1", "x", 0, nil), loginAt("2", "x", "ana", 1, nil), loginAt("3", "x", "bo", 2, nil), visitorAt("4", "x", 3, nil)}, "[ana ana bo ana]", tallies{2, 1, 1, 2, 0}},
		{"other consent", []bellwether.Event{visitorAt("1", "x", 0, analytics), visitorAt("2", "x", 0, everything), loginAt("3", "x", "ana", 1, everything)}, "[x ana ana]", tallies{1, 1, 0, 1, 1}},
		{"consent in another order", []bellwether.Event{visitorAt("1", "x", 0, []bellwether.Purpose{"analytics", "personalisation"}), loginAt("3", "x", "ana", 1, everything)}, "[ana ana]", tallies{1, 1, 0, 1, 0}},
		{"alias", []bellwether.Event{view("1", "old", "tea", day(0)), aliasAt("2", "old", "new", 1)}, "[new new]", tallies{1, 1, 0, 1, 0}},
		{"alias back", []bellwether.Event{aliasAt("1", "a", "b", 1), aliasAt("2", "b", "a", 2)}, "[b b]", tallies{2, 1, 0, 1, 0}},
		{"alias of one who signed in", []bellwether.Event{visitorAt("1", "x", 0, nil), loginAt("2", "x", "old", 1, nil), aliasAt("3", "old", "new", 2)}, "[new new new]", tallies{2, 2, 0, 2, 0}},
		{"a login does not join two people", []bellwether.Event{view("1", "bo", "tea", day(0)), loginAt("2", "bo", "ana", 1, nil)}, "[bo ana]", tallies{1, 0, 1, 0, 0}},
	} {
		c := clean(t, Input{Events: all(test.events...)})
		var subjects []bellwether.Subject
		for _, e := range c.Events {
			subjects = append(subjects, e.Subject)
		}
		r := c.Report
		got := tallies{r.Rule("identity").Seen, r.Rule("identity").Changed, r.Rule("identity_conflict").Seen, r.Rule("attribution").Changed, r.Rule("consent_scope").Seen}
		if fmt.Sprint(subjects) != test.subjects || got != test.want {
			t.Errorf("%s: subjects %v, want %s; tallies %+v, want %+v", test.name, subjects, test.subjects, got, test.want)
		}
	}
}

func TestIdentityInTime(t *testing.T) {
	login := loginAt("2", "x", "ana", 1, nil)
	login.Received = day(5)
	c := clean(t, Input{Events: all(visitorAt("1", "x", 0, nil), login)})
	for _, test := range []struct {
		at   time.Time
		want bellwether.Subject
	}{{day(2), "x"}, {day(5).Add(-1), "x"}, {day(5), "ana"}, {day(9), "ana"}} {
		if got := c.Identities.Subject("x", nil, test.at); got != test.want {
			t.Errorf("at %s: %s, want %s", test.at, got, test.want)
		}
	}
	if got := c.Identities.Subject("stranger", nil, day(9)); got != "stranger" {
		t.Errorf("a stranger is %s", got)
	}
	if c := clean(t, Input{Events: all(visitorAt("1", "x", 0, nil), login), AsOf: day(4)}); c.Events[0].Subject != "x" {
		t.Errorf("a login received later counts as of day 4: %s", c.Events[0].Subject)
	}
}

// TestRootsAgree compares the walk over all nodes with the walk of each, and holds that merges
// never cross consent scopes and that the answers only change when a link becomes known.
func TestRootsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := Clean(context.Background(), Input{Events: all(drawLog(t)...)})
		if err != nil {
			t.Fatal(err)
		}
		s := c.Identities
		scopes := make([]string, len(s.names))
		for key, n := range s.nodes {
			scopes[n] = key.scope
		}
		for d := range 12 {
			at := day(d * 10).UnixNano()
			for n, root := range s.roots(at) {
				if want := s.root(int32(n), at); root != want {
					t.Fatalf("node %d on day %d: root %d, want %d", n, d*10, root, want)
				}
				if scopes[n] != scopes[root] {
					t.Fatalf("node %d of scope %q was merged into scope %q", n, scopes[n], scopes[root])
				}
			}
		}
	})
}

func TestLongChainOfAliases(t *testing.T) {
	var events []bellwether.Event
	const n = 20_000
	for i := range n {
		events = append(events, aliasAt(fmt.Sprint(i), fmt.Sprint("u", i), fmt.Sprint("u", i+1), 0))
	}
	c := clean(t, Input{Events: all(events...)})
	if got := c.Events[0].Subject; got != bellwether.Subject(fmt.Sprint("u", n)) {
		t.Errorf("the first of the chain is %s", got)
	}
}

func BenchmarkClean(b *testing.B) {
	const n = 1_000_000
	b.ReportAllocs()
	for b.Loop() {
		events := func(yield func(bellwether.Event, error) bool) {
			for i := range n {
				at := day(0).Add(time.Duration(i) * 7 * time.Second)
				e := purchase(fmt.Sprint("event-", i), fmt.Sprint("person-", i%20_000), fmt.Sprint("item-", i%997), at, int64(500+i%997))
				if i%3 > 0 {
					e.Type, e.Order = bellwether.ViewItem, ""
				}
				if i%5 == 0 {
					e.Subject, e.Anonymous = "", bellwether.AnonymousID(fmt.Sprint("device-", i%20_000))
				}
				e.UserAgent = fmt.Sprint("Mozilla/5.0 (", i%50, ")")
				if !yield(e, nil) {
					return
				}
			}
		}
		if _, err := Clean(context.Background(), Input{Events: events}); err != nil {
			b.Fatal(err)
		}
	}
}
