package lake

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"bellwether"
	"bellwether/history"
)

// moved gives people's first events to somebody else, as a device's that signed in.
func moved(people []*history.Person, from, to, n int) []*history.Person {
	a, b := *people[from], *people[to]
	b.Identities = append(slices.Clone(b.Identities), history.Identity{ID: a.Subject, Parent: 0})
	b.Events, b.Owners = slices.Clone(b.Events), slices.Clone(b.Owners)
	for _, e := range a.Events[:n] {
		e.Subject = b.Subject
		b.Events, b.Owners = append(b.Events, e), append(b.Owners, int32(len(b.Identities)-1))
	}
	a.Events, a.Owners = a.Events[n:], a.Owners[n:]
	out := slices.Clone(people)
	out[from], out[to] = &a, &b
	if len(a.Events) == 0 {
		out = slices.Delete(out, from, from+1)
	}
	return out
}

// truth is every event's subject.
func truth(people []*history.Person) map[string]bellwether.Subject {
	out := map[string]bellwether.Subject{}
	for _, p := range people {
		for _, e := range p.Events {
			out[string(e.ID)] = p.Subject
		}
	}
	return out
}

// behind counts the rows that have not their subject yet; every event must be there, once.
func behind(t *testing.T, target Target, people []*history.Person) (n int64) {
	t.Helper()
	want := truth(people)
	for _, row := range rowsOf[EventRow](t, target, Filter{}) {
		subject, ok := want[row.ID]
		if !ok {
			t.Fatalf("%s of %s is there twice, or nobody's", row.ID, row.Subject)
		}
		if subject != bellwether.Subject(row.Subject) {
			n++
		}
		delete(want, row.ID)
	}
	if len(want) > 0 {
		t.Fatalf("%d events are missing", len(want))
	}
	return n
}

// TestFewChangesWait has devices sign in turn after turn: no row is lost or doubled meanwhile, what waits is as little as was asked for
// and is counted, new rows are there at once, and a turn in which nothing may wait leaves the bytes of a lake that is written at once.
func TestFewChangesWait(t *testing.T) {
	for _, share := range []float64{.02, .2} {
		r := rand.New(rand.NewPCG(3, 3))
		people := crowd(r, 70)
		grown := newMemory()
		mustTurn(t, grown, people, Options{Wait: share})
		waited, files := int64(0), int64(0)
		for k := range 6 {
			for range 1 + r.IntN(2) { // of their own events, those who signed in had some
				from := r.IntN(len(people))
				to := (from + 1 + r.IntN(len(people)-1)) % len(people)
				people = moved(people, from, to, 1+r.IntN(len(people[from].Events)))
			}
			if k%3 == 2 { // a new person: somebody's days have more rows
				people = append(people, person("new-"+string(rune('a'+k)), 30))
			}
			report := mustTurn(t, grown, people, Options{Wait: share})
			if n := behind(t, grown, people); n > report.Waiting || n == 0 && report.Waiting > 0 {
				t.Fatalf("share %g, turn %d: %d rows are as they were, the report says at most %d", share, k, n, report.Waiting)
			}
			waited, files = waited+report.Waiting, files+report.Files
		}
		if share > .02 && waited == 0 || files == 0 {
			t.Errorf("share %g: %d rows waited, %d files were written", share, waited, files)
		}
		whole := newMemory()
		mustTurn(t, whole, people, Options{})
		mustTurn(t, grown, people, Options{})
		if names := differences(contents(t, grown), contents(t, whole)); len(names) > 0 {
			t.Errorf("share %g: %d files differ: %v", share, len(names), names[:min(len(names), 5)])
		}
	}
}

// TestWaitsByItsShare has one row of a day of 38 rows move: 3 rows are of people who changed.
func TestWaitsByItsShare(t *testing.T) {
	people := []*history.Person{person("a", 1), person("b", 1)}
	for _, who := range []string{"c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "u"} {
		people = append(people, person(who, 2))
	}
	day := int64(0)
	for _, row := range []Options{{Wait: .07}, {Wait: .09}} {
		target := newMemory()
		mustTurn(t, target, people, Options{})
		m, err := ReadManifest(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		for _, counts := range m.Tables[Events].Days {
			n := int64(0)
			for _, c := range counts {
				n += c
			}
			day = max(day, n)
		}
		report := mustTurn(t, target, moved(people, 0, 1, 1), row)
		waits := row.Wait*float64(day) >= 3 // of the one who gave one, and of the one who has two now
		if (report.Waiting > 0) != waits || (report.Files > 0) == waits {
			t.Errorf("of %d rows 3 changed, %g may: %+v", day, row.Wait, report)
		}
		if m, _ := ReadManifest(t.Context(), target); m.Waiting != report.Waiting {
			t.Errorf("the manifest says %d, the report %d", m.Waiting, report.Waiting)
		}
	}
}

// TestCutOffWaiting cuts turns off in which days wait.
func TestCutOffWaiting(t *testing.T) {
	first := crowd(rand.New(rand.NewPCG(4, 4)), 14)
	second := append(moved(first, 3, 9, 1), person("new", 3))
	third := moved(second, 5, 11, 1)
	want := newMemory()
	mustTurn(t, want, third, Options{})
	whole := contents(t, want)
	for n := 1; ; n++ {
		target := newMemory()
		mustTurn(t, target, first, Options{})
		mustTurn(t, target, moved(first, 3, 9, 1), Options{Wait: .5})
		_, err := turn(t, &faulty{target, n, n%2 == 1}, second, Options{Wait: .5, Workers: 1})
		if err != nil && !errors.Is(err, errFault) {
			t.Fatal(err)
		}
		report := mustTurn(t, target, third, Options{Wait: .5})
		if got := behind(t, target, third); got > report.Waiting || got == 0 && report.Waiting > 0 {
			t.Fatalf("cut off at change %d: %d rows are as they were, the report says at most %d", n, got, report.Waiting)
		}
		mustTurn(t, target, third, Options{})
		if names := differences(contents(t, target), whole); len(names) > 0 {
			t.Fatalf("cut off at change %d: %v differ", n, names)
		}
		if err == nil {
			if n < 5 {
				t.Errorf("cut off %d times", n-1)
			}
			break
		}
	}
}
