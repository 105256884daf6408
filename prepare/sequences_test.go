package prepare

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"bellwether"
)

// items returns the items of a person's steps, as names.
func items(s *bellwether.Sequences, person int) (out []bellwether.ItemID) {
	for _, step := range s.Steps[person] {
		out = append(out, s.Items[step.Item])
	}
	return out
}

func TestLeaveOneOut(t *testing.T) {
	c := clean(t, Input{Events: all(
		view("1", "ana", "tea", day(1)), view("2", "ana", "cup", day(2)), view("3", "ana", "tin", day(2)), view("4", "ana", "pot", day(2)),
		view("5", "bo", "tea", day(1)), view("6", "bo", "cup", day(0)),
		bellwether.Event{ID: "7", Type: bellwether.ViewItemList, Subject: "bo", Item: "tin", Occurred: day(3), Received: day(3)},
		bellwether.Event{ID: "8", Type: bellwether.PageView, Subject: "bo", Occurred: day(3), Received: day(3)},
	)})
	s, err := Sequences(c, SequenceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(s.People) != "[bo ana]" || s.Count() != 6 {
		t.Errorf("people %v, %d steps", s.People, s.Count())
	}
	if got := fmt.Sprint(items(s, 0), items(s, 1)); got != "[cup tea] [tea cup tin pot]" {
		t.Errorf("ties must keep the log's order: %s", got)
	}
	if s.TrainEnd[0] != 2 || s.TrainEnd[1] != 2 {
		t.Errorf("train ends %v, want all of bo's two steps and ana's first two", s.TrainEnd)
	}
	if diff := cmp.Diff([]bellwether.Target{{Person: 1, At: 2}}, s.Validation) + cmp.Diff([]bellwether.Target{{Person: 1, At: 3}}, s.Test); diff != "" {
		t.Error(diff)
	}
}

func TestLeaveOneOutOfTargetTypes(t *testing.T) {
	c := clean(t, Input{Events: all(
		view("1", "ana", "tea", day(1)), purchase("2", "ana", "cup", day(2), 500), view("3", "ana", "tin", day(3)),
		purchase("4", "ana", "tin", day(4), 500), view("5", "ana", "pot", day(5)),
	)})
	s, err := Sequences(c, SequenceOptions{Targets: []bellwether.EventType{bellwether.Purchase}})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Test) != 1 || s.Test[0].At != 3 || s.Validation[0].At != 1 || s.TrainEnd[0] != 1 {
		t.Errorf("test %v, validation %v, train end %v", s.Test, s.Validation, s.TrainEnd)
	}
}

func TestTemporal(t *testing.T) {
	late := view("4", "ana", "late", day(4)) // before the cut, but received long after it
	late.Received = day(30)
	c := clean(t, Input{Events: all(
		view("1", "ana", "tea", day(1)), view("2", "ana", "cup", day(9)), view("3", "ana", "tin", day(15)), late,
		view("5", "ana", "pot", day(25)), view("6", "ana", "end", day(40)),
	)})
	s, err := Sequences(c, SequenceOptions{Protocol: Temporal, Validation: day(10), Test: day(20)})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(items(s, 0)); got != "[tea cup tin pot late end]" {
		t.Errorf("order %s", got)
	}
	if s.TrainEnd[0] != 2 {
		t.Errorf("train end %d", s.TrainEnd[0])
	}
	if diff := cmp.Diff([]bellwether.Target{{Person: 0, At: 2}}, s.Validation) + cmp.Diff([]bellwether.Target{{Person: 0, At: 3}, {Person: 0, At: 5}}, s.Test); diff != "" {
		t.Error(diff)
	}
	imported, err := Sequences(c, SequenceOptions{Protocol: Temporal, Validation: day(10), Test: day(20), Backfilled: true})
	if err != nil {
		t.Fatal(err)
	}
	if imported.TrainEnd[0] != 3 {
		t.Errorf("an imported history is known from when it occurred: train end %d, want 3", imported.TrainEnd[0])
	}
}

func TestSequenceErrors(t *testing.T) {
	c := clean(t, Input{Events: all(view("1", "ana", "tea", day(1)))})
	if _, err := Sequences(c, SequenceOptions{Types: []bellwether.EventType{"listen"}}); err == nil {
		t.Error("no steps at all are accepted")
	}
	if _, err := Sequences(c, SequenceOptions{Protocol: Temporal, Validation: day(2), Test: day(1)}); err == nil {
		t.Error("cuts in the wrong order are accepted")
	}
}

// TestSequencesDoNotSeeTheFuture holds, for any log, that nothing which may be fitted was received after
// the first cut, that all of it which was may be, and that no target occurred before it.
func TestSequencesDoNotSeeTheFuture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := Clean(context.Background(), Input{Events: all(drawLog(t)...)})
		if err != nil {
			t.Fatal(err)
		}
		cut := day(rapid.IntRange(0, 100).Draw(t, "cut"))
		s, err := Sequences(c, SequenceOptions{Protocol: Temporal, Validation: cut, Test: cut.AddDate(0, 0, 10)})
		if err != nil {
			return // a log without steps
		}
		early := 0
		for i := range c.Events {
			e := &c.Events[i]
			if newSequenceBuilder(SequenceOptions{}).wanted(e) && !e.Received.After(cut) {
				early++
			}
		}
		for p, end := range s.TrainEnd {
			early -= end
			for i := 1; i < end; i++ {
				if s.Steps[p][i].Time < s.Steps[p][i-1].Time {
					t.Fatal("the training part is not in the order of time")
				}
			}
		}
		if early != 0 {
			t.Fatalf("%d steps that were received by the cut are not in training", early)
		}
		for _, target := range append(s.Validation, s.Test...) {
			if at := s.Steps[target.Person][target.At].Time; int(target.At) < s.TrainEnd[target.Person] || time.Unix(at, 0).Before(cut) {
				t.Fatalf("target %v occurred before the cut", target)
			}
		}
	})
}

func TestSequencesCollapse(t *testing.T) {
	at := func(i int) time.Time { return time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC) }
	var events []bellwether.Event
	for i, s := range []struct {
		item bellwether.ItemID
		kind bellwether.EventType
	}{{"a", bellwether.ViewItem}, {"a", bellwether.AddToCart}, {"a", bellwether.Purchase}, {"b", bellwether.ViewItem}, {"a", bellwether.ViewItem}} {
		e := bellwether.Event{ID: bellwether.EventID(rune('0' + i)), Type: s.kind, Subject: "p", Item: s.item, Occurred: at(i), Received: at(i)}
		if i > 0 {
			e.Channel = bellwether.Channel([]string{"email", "search"}[i%2])
		}
		events = append(events, e)
	}
	c, err := Clean(t.Context(), Input{Events: func(yield func(bellwether.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	q, err := Sequences(c, SequenceOptions{Collapse: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range q.Steps[0] {
		got = append(got, string(q.Items[s.Item])+" "+string(q.Types[s.Type]))
	}
	if want := []string{"a purchase", "b view_item", "a view_item"}; !slices.Equal(got, want) {
		t.Errorf("steps are %v, want %v", got, want)
	}
	if c := q.Channels[q.Steps[0][0].Channel-1]; c != "search" {
		t.Errorf("a collapsed step came by %s, want what came first", c)
	}
	if q.Steps[0][0].Time != at(0).Unix() {
		t.Errorf("a collapsed step is at %d, want the time of its first event", q.Steps[0][0].Time)
	}
}
