package sequence

import (
	"slices"
	"testing"

	"bellwether"
)

func TestDeletion(t *testing.T) {
	var d deletion
	steps := make([]bellwether.Step, 40)
	for i := range steps {
		steps[i] = bellwether.Step{Item: int32(i)}
	}
	kept := 0
	for pass := range 500 {
		got, places := d.apply(steps, .2, 7, pass, 3)
		for i, at := range places {
			if got[i] != steps[at] || i > 0 && at <= places[i-1] {
				t.Fatalf("pass %d: step %v of places %v", pass, got[i], places)
			}
		}
		if places[len(places)-1] != 39 {
			t.Fatalf("pass %d: the last step is gone: %v", pass, places)
		}
		kept += len(got) - 1
	}
	// 19,500 draws of .8: a standard error of 56.
	if kept < 15600-170 || kept > 15600+170 {
		t.Errorf("%d of 19,500 steps are kept, want about 15,600", kept)
	}
	of := func(pass, place int) []int {
		_, places := d.apply(steps, .5, 7, pass, place)
		return slices.Clone(places)
	}
	if !slices.Equal(of(1, 1), of(1, 1)) || slices.Equal(of(1, 1), of(2, 1)) || slices.Equal(of(1, 1), of(1, 2)) {
		t.Error("what is left out does not follow from pass and place")
	}
	for pass := range 50 {
		if got, _ := d.apply(steps[:3], .99, 7, pass, 0); len(got) < 2 {
			t.Fatalf("%v has nothing to learn from", got)
		}
		if got, _ := d.apply(steps, 0, 7, pass, 0); len(got) != 40 {
			t.Fatalf("%d steps are kept where none is left out", len(got))
		}
	}
}

// Items are learned over a gap; the wait asked about is never longer than it was.
func TestTargetsOfDeletion(t *testing.T) {
	d := walks(1, 20)
	var steps []bellwether.Step
	for i := range 9 {
		steps = append(steps, bellwether.Step{Item: int32(i), Time: int64(1) << i})
	}
	d.Sequences.Steps[0], d.Sequences.TrainEnd[0], d.Sequences.Validation = steps, len(steps), nil
	s := small()
	s.Delete, s.Tasks = .5, map[string]float32{"wait": 1}
	r, err := Trainer{Settings: s}.prepare(d)
	if err != nil {
		t.Fatal(err)
	}
	over := 0
	for pass := range 20 {
		r.pack([]Person{r.person(0)}, pass)
		for i, item := range r.tokens.ids[0] {
			if r.tokens.targets[i] > item+1 {
				over++
			}
			if want := taskKinds["wait"].answer(&steps[item], &steps[item+1]); r.model.tasks[0].targets[i] != want {
				t.Fatalf("pass %d: after item %d a wait of bucket %d, want %d", pass, item, r.model.tasks[0].targets[i], want)
			}
		}
	}
	if over == 0 {
		t.Error("no target lies over a gap")
	}
}
