package neighbours

import (
	"context"
	"fmt"

	"bellwether"
)

// Model is a fitted recommender of this package. It is a bellwether.Scorer, safe for concurrent use.
type Model struct {
	family string
	items  []bellwether.ItemID
	base   []float32 // by item: popularity, scaled so that it breaks ties and no more
	tables []table
	own    own // nil: not by the person's own history
}

// table is a sparse matrix with the way in which a history is laid on it.
type table struct {
	matrix
	recent int     // items of the history that count
	decay  float32 // weight of an item relative to the one after it
}

// Family names the kind of model, such as "item-knn".
func (m *Model) Family() string { return m.family }

// Items is the vocabulary. Callers must not change it.
func (m *Model) Items() []bellwether.ItemID { return m.items }

// Parameters returns how many numbers the model holds.
func (m *Model) Parameters() int64 {
	n := len(m.base)
	for _, t := range m.tables {
		n += len(t.values)
	}
	return int64(n)
}

// Score writes the score of every item after histories[b] to out[b]. Steps without a known item
// (−1) are passed over; a history without any is answered with popularity.
func (m *Model) Score(ctx context.Context, histories [][]bellwether.Step, out [][]float32) error {
	if len(out) < len(histories) {
		return fmt.Errorf("%s: %d histories but room for the scores of %d", m.family, len(histories), len(out))
	}
	for b, history := range histories {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.score(history, out[b]); err != nil {
			return fmt.Errorf("%s: history %d: %w", m.family, b, err)
		}
	}
	return nil
}

func (m *Model) score(history []bellwether.Step, out []float32) error {
	if len(out) != len(m.base) {
		return fmt.Errorf("room for %d scores, the vocabulary has %d items", len(out), len(m.base))
	}
	if m.own != nil {
		return m.scoreOwn(history, out)
	}
	copy(out, m.base)
	for i := range m.tables {
		if err := m.tables[i].add(history, out); err != nil {
			return err
		}
	}
	return nil
}

func beyond(step int, item int32, items int) error {
	return fmt.Errorf("step %d has item %d, the vocabulary ends at %d", step, item, items-1)
}

// add adds decay^age · row(item) for the newest items of history.
func (t *table) add(history []bellwether.Step, out []float32) error {
	weight, left := float32(1), t.recent
	for s := len(history) - 1; s >= 0 && left > 0; s-- {
		item := history[s].Item
		if int(item) >= len(out) {
			return beyond(s, item, len(out))
		}
		if item < 0 {
			continue
		}
		columns, values := t.row(int(item))
		for k, c := range columns {
			out[c] += weight * values[k]
		}
		weight *= t.decay
		left--
	}
	return nil
}
