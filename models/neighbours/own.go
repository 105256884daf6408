package neighbours

import (
	"context"

	"bellwether"
)

// The rows that know nothing of other people but what is popular: where people return to items, a model that does not beat them has
// learned nothing. All three break ties by popularity.

// SeenBefore scores the items of the history 1, and all others 0.
type SeenBefore struct{}

// Family names what it trains.
func (SeenBefore) Family() string { return "seen-before" }

// Train counts popularity.
func (t SeenBefore) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	return fitOwn(ctx, t.Family(), d, report)
}

// LastItem scores the items of the history by how lately they came: 1 for the last one, 1/2 for the one before it, and so on.
type LastItem struct{}

// Family names what it trains.
func (LastItem) Family() string { return "last-item" }

// Train counts popularity.
func (t LastItem) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	return fitOwn(ctx, t.Family(), d, report)
}

// OwnFrequent scores the items of the history by how often they came.
type OwnFrequent struct{}

// Family names what it trains.
func (OwnFrequent) Family() string { return "own-frequent" }

// Train counts popularity.
func (t OwnFrequent) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	return fitOwn(ctx, t.Family(), d, report)
}

func fitOwn(ctx context.Context, family string, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	m, err := fit(ctx, family, d, report, tieBreakOwn)
	if err != nil {
		return nil, err
	}
	m.own = owns[family]
	return m, nil
}

// own is what an item of the history gets for itself: the step of that age, counted from the last known one, adds to what is there.
type own func(score float32, age int) float32

// owns are those of the families that score by a person's own history.
var owns = map[string]own{
	SeenBefore{}.Family():  func(score float32, _ int) float32 { return max(score, 1) },
	LastItem{}.Family():    func(score float32, age int) float32 { return max(score, 1/float32(1+age)) },
	OwnFrequent{}.Family(): func(score float32, _ int) float32 { return score + 1 },
}

// scoreOwn scores a history by itself, ties by popularity.
func (m *Model) scoreOwn(history []bellwether.Step, out []float32) error {
	clear(out)
	age := 0
	for s := len(history) - 1; s >= 0; s-- {
		item := history[s].Item
		if int(item) >= len(out) {
			return beyond(s, item, len(out))
		}
		if item >= 0 {
			out[item] = m.own(out[item], age)
			age++
		}
	}
	for i, popularity := range m.base {
		out[i] += popularity
	}
	return nil
}
