package learn

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"bellwether"
)

// counting gives the item after the last one the best score, and counts the people whom it is asked about.
type counting struct {
	items []bellwether.ItemID
	step  int32
}

func (c *counting) Family() string             { return "counting" }
func (c *counting) Save(io.Writer) error       { return nil }
func (c *counting) Items() []bellwether.ItemID { return c.items }
func (c *counting) Score(_ context.Context, histories [][]bellwether.Step, out [][]float32) error {
	for b, h := range histories {
		clear(out[b])
		out[b][(h[len(h)-1].Item+c.step)%int32(len(c.items))] = 1
	}
	return nil
}

// round are people who go over n items one by one, each from a place of their own.
func round(people, n int) *bellwether.Dataset {
	q := &bellwether.Sequences{Items: numbered(n), Types: []bellwether.EventType{"view_item"}}
	for p := range people {
		var steps []bellwether.Step
		for i := range 4 {
			steps = append(steps, bellwether.Step{Item: int32((p + i) % n), Time: int64(i)})
		}
		q.People = append(q.People, bellwether.Subject(fmt.Sprint(p)))
		q.Steps, q.TrainEnd = append(q.Steps, steps), append(q.TrainEnd, 2)
		q.Validation = append(q.Validation, bellwether.Target{Person: int32(p), At: 2})
		q.Test = append(q.Test, bellwether.Target{Person: int32(p), At: 3})
	}
	return &bellwether.Dataset{Sequences: q}
}

// TestJudgeRanks: whoever knows the next item has the best figures; of very many people a stated sample judges.
func TestJudgeRanks(t *testing.T) {
	for _, people := range []int{300, JudgedTargets + 4000} {
		d := round(people, 30)
		right, wrong := &counting{d.Sequences.Items, 1}, &counting{d.Sequences.Items, 7}
		validation, test, err := JudgeRanks(t.Context(), right, d)
		if err != nil {
			t.Fatal(err)
		}
		n := int64(min(people, JudgedTargets))
		if v, w := validation["ndcg@10"], test["ndcg@10"]; v.Value != 1 || w.Value != 1 || v.N != n || w.N != n {
			t.Errorf("%d people: %+v and %+v", people, v, w)
		}
		diff, err := CompareRanks(t.Context(), right, wrong, d)
		if err != nil || diff["ndcg@10"].Interval[0] <= 0 {
			t.Errorf("%d people: %+v, %v", people, diff["ndcg@10"], err)
		}
		said := strings.Join(SequenceWarnings(d), "; ")
		if want := fmt.Sprintf("judged by %d of %d targets", JudgedTargets, people); (people > JudgedTargets) != strings.Contains(said, want) {
			t.Errorf("%d people: %s", people, said)
		}
	}
	if _, _, err := JudgeRanks(t.Context(), &guess{}, round(3, 5)); err == nil {
		t.Error("a classifier ranks items")
	}
	if _, _, err := JudgeClasses(t.Context(), &counting{}, &bellwether.Dataset{}); err == nil {
		t.Error("a ranker tells classes apart")
	}
}

// TestPart: a part of the split is its own rows, in their order.
func TestPart(t *testing.T) {
	table := &bellwether.Table{Split: []bellwether.Split{bellwether.Train, bellwether.Test, bellwether.Validation, bellwether.Test}}
	if got := part([]float64{1, 2, 3, 4}, table, bellwether.Test); !slices.Equal(got, []float64{2, 4}) {
		t.Errorf("%v", got)
	}
}
