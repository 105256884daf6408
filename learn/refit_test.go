package learn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"bellwether"
)

func TestEverything(t *testing.T) {
	d := round(5, 30)
	d.Sequences.TrainEnd[0] = 4
	all, more := everything(d)
	if q := all.Sequences; len(q.Validation) != 0 || len(q.Test) != 0 || fmt.Sprint(q.TrainEnd) != "[4 4 4 4 4]" || math.Abs(more-8./12) > 1e-12 {
		t.Errorf("%d and %d targets, training ends %v, %g more", len(q.Validation), len(q.Test), q.TrainEnd, more)
	}
	if d.Sequences.TrainEnd[1] != 2 || len(d.Sequences.Test) != 5 {
		t.Error("the data of the figures were changed")
	}
	if again, _ := everything(all); again != nil {
		t.Error("there is more than everything")
	}
	if table, _ := everything(&bellwether.Dataset{Table: &bellwether.Table{}}); table != nil {
		t.Error("a table has steps")
	}
}

// TestWhatServesIsFittedAgain: on all steps, and it serves after a restart; the next turn starts from what was judged and compares with it.
func TestWhatServesIsFittedAgain(t *testing.T) {
	l := newLab(t)
	var failure error
	fit := func(_ context.Context, row string, m bellwether.Model, all *bellwether.Dataset, more float64, _ func(bellwether.Progress)) (bellwether.Model, error) {
		if row != "model" || m.(*guess).Yes != .8 || all.Sequences.TrainEnd[0] != 4 || more != 1 {
			t.Errorf("asked to fit %s %v again on %v, %g more", row, m, all.Sequences.TrainEnd, more)
		}
		return &guess{.95, .1}, failure
	}
	serves := func() float64 {
		v, err := l.r.Serving("many")
		if err != nil {
			t.Fatal(err)
		}
		return v.Model.(*guess).Yes
	}
	work := func() *Work {
		l.must("many").Refit = fit
		w := l.train()
		if err := l.r.Judge(t.Context(), w, nil); err != nil {
			t.Fatal(err)
		}
		w.Data.Sequences = round(5, 30).Sequences
		return w
	}
	w := work()
	if err := l.r.Promote(t.Context(), w, true); err != nil {
		t.Fatal(err)
	}
	if serves() != .95 {
		t.Errorf("%v serves", serves())
	}
	card, err := l.r.Card(t.Context(), "many", w.Run.Version)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := card.Settings["refit"].(string); !strings.Contains(text, "all 20 steps, 100 % more") || card.Settings["yes"] != .8 {
		t.Errorf("the card's settings are %v", card.Settings)
	}
	l.close()
	l.open()
	if err := l.r.Restore(t.Context()); err != nil || serves() != .95 {
		t.Errorf("after a restart %v serves, %v", serves(), err)
	}
	judged, err := l.r.judged(t.Context(), l.must("many"))
	if err != nil || judged.Model.(*guess).Yes != .8 || judged.Version != w.Run.Version {
		t.Errorf("the next one is compared with %+v, %v", judged, err)
	}
	next := work()
	if g, ok := l.warm.(*guess); !ok || g.Yes != .8 {
		t.Errorf("candidates may start from %v, which has seen what they are asked", l.warm)
	}
	failure = errors.New("no")
	if err := l.r.Promote(t.Context(), next, true); !errors.Is(err, failure) || serves() != .95 {
		t.Errorf("a refit that fails: %v; %v serves", err, serves())
	}
}
