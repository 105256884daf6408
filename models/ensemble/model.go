package ensemble

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"bellwether"
	"bellwether/tensor"
)

// Family is the family of Model.
const Family = "ensemble"

// Scale says how the scores of a part are made comparable, history by history.
type Scale string

// The scales.
const (
	Softmax Scale = "softmax" // of logits: the probabilities of the items
	Share   Scale = "share"   // of scores of 0 or more: divided by their sum
	Own     Scale = "own"     // as Share, of a part that knows what a person returns to: it speaks of the history whatever the others may

	SoftmaxNew Scale = "softmax-new" // Softmax that says nothing of items of the history
	ShareNew   Scale = "share-new"   // Share that says nothing of items of the history
)

// silent maps the scales to those of parts that say nothing of the history. Where people never return to an item, it is worth nothing to them.
var silent = map[Scale]Scale{Softmax: SoftmaxNew, Share: ShareNew, Own: Own}

// Part is one scorer of an ensemble.
type Part struct {
	Name   string // as in the table of models
	Scorer bellwether.Scorer
	Scale  Scale
	Weight float64 // 0 or more
}

// Model is a bellwether.Scorer whose score is ln(Σ weight · scaled score of its parts): a logarithm as a
// Transformer's scores are, so that a policy which looks at differences of scores means the same by them
// whichever of the two serves. An item for which no part speaks counts as unspoken of an equal share.
type Model struct {
	parts   []Part
	scratch sync.Pool // of *[][]float32: rows of scores
}

// named is a scorer that is told who is asked about.
type named interface {
	ScoreAs(ctx context.Context, people []bellwether.Subject, histories [][]bellwether.Step, out [][]float32) error
}

// unspoken is the share of an equal share that every item has, so that each has a logarithm.
const unspoken = .01

// together is the number of histories that are scored by one call of a part.
const together = 64

// New returns the sum of parts, which share one vocabulary.
func New(parts ...Part) (*Model, error) {
	if err := check(parts); err != nil {
		return nil, fmt.Errorf("ensemble: %w", err)
	}
	total := 0.0
	for _, p := range parts {
		if !(p.Weight >= 0) || math.IsInf(p.Weight, 0) {
			return nil, fmt.Errorf("ensemble: the weight of %s is %v; it must be 0 or more", p.Name, p.Weight)
		}
		total += p.Weight
	}
	if total == 0 {
		return nil, errors.New("ensemble: no part has a weight above 0")
	}
	return &Model{parts: slices.Clone(parts)}, nil
}

func check(parts []Part) error {
	if len(parts) == 0 {
		return errors.New("there are no parts")
	}
	for _, p := range parts {
		if !p.Scale.known() {
			return fmt.Errorf("%s has the scale %q; there are %q, %q, %q, %q and %q", p.Name, p.Scale, Softmax, Share, Own, SoftmaxNew, ShareNew)
		}
		if !slices.Equal(p.Scorer.Items(), parts[0].Scorer.Items()) {
			return fmt.Errorf("%s and %s have different items; train them on one dataset", p.Name, parts[0].Name)
		}
	}
	return nil
}

// Family implements bellwether.Model.
func (m *Model) Family() string { return Family }

// Items is the vocabulary. Callers must not change it.
func (m *Model) Items() []bellwether.ItemID { return m.parts[0].Scorer.Items() }

// Parts returns the parts with their weights.
func (m *Model) Parts() []Part { return slices.Clone(m.parts) }

// Parameters returns how many numbers the parts hold.
func (m *Model) Parameters() (n int64) {
	for _, p := range m.parts {
		if c, ok := p.Scorer.(interface{ Parameters() int64 }); ok {
			n += c.Parameters()
		}
	}
	return n
}

// Score implements bellwether.Scorer. The parts answer an empty history each in its way.
func (m *Model) Score(ctx context.Context, histories [][]bellwether.Step, out [][]float32) error {
	return m.ScoreAs(ctx, nil, histories, out)
}

// ScoreAs is Score for people with names, for the parts that know people by name. people may be nil,
// and each be "".
func (m *Model) ScoreAs(ctx context.Context, people []bellwether.Subject, histories [][]bellwether.Step, out [][]float32) error {
	items := len(m.Items())
	if len(out) < len(histories) {
		return fmt.Errorf("ensemble: %d histories but room for the scores of %d", len(histories), len(out))
	}
	for _, o := range out[:len(histories)] {
		if len(o) != items {
			return fmt.Errorf("ensemble: room for %d scores, the vocabulary has %d items", len(o), items)
		}
		clear(o)
	}
	for first := 0; first < len(histories); first += together {
		last := min(first+together, len(histories))
		var names []bellwether.Subject
		if people != nil {
			names = people[first:last]
		}
		if err := m.add(ctx, names, histories[first:last], out[first:last]); err != nil {
			return err
		}
	}
	least := unspoken / float32(items)
	for _, o := range out[:len(histories)] {
		for i := range o {
			o[i] += least
		}
		tensor.Log(o, o)
	}
	return nil
}

// add adds the scaled scores of every part to out.
func (m *Model) add(ctx context.Context, people []bellwether.Subject, histories [][]bellwether.Step, out [][]float32) error {
	memory := m.rows(len(histories))
	defer m.scratch.Put(memory)
	rows := (*memory)[:len(histories)]
	for i := range m.parts {
		if m.parts[i].Weight == 0 {
			continue
		}
		if err := m.parts[i].score(ctx, people, histories, rows); err != nil {
			return err
		}
		for b, row := range rows {
			tensor.Axpy(float32(m.parts[i].Weight), row, out[b])
		}
	}
	return nil
}

// rows returns memory for the scores of n histories.
func (m *Model) rows(n int) *[][]float32 {
	rows, ok := m.scratch.Get().(*[][]float32)
	if !ok {
		rows = new([][]float32)
	}
	if items := len(m.Items()); len(*rows) < n {
		*rows = split(make([]float32, n*items), n, items)
	}
	return rows
}

// split cuts memory into rows of n scores.
func split(memory []float32, rows, n int) [][]float32 {
	out := make([][]float32, rows)
	for i := range out {
		out[i] = memory[i*n : (i+1)*n : (i+1)*n]
	}
	return out
}

// score writes the scaled scores of the part to out.
func (p *Part) score(ctx context.Context, people []bellwether.Subject, histories [][]bellwether.Step, out [][]float32) error {
	var err error
	if s, ok := p.Scorer.(named); ok {
		err = s.ScoreAs(ctx, people, histories, out)
	} else {
		err = p.Scorer.Score(ctx, histories, out)
	}
	if err != nil {
		return err
	}
	for b, row := range out[:len(histories)] {
		if i := tensor.CheckFinite(row); i >= 0 {
			return fmt.Errorf("ensemble: %s scores item %q as %v for history %d: the model is damaged, train it again", p.Name, p.Scorer.Items()[i], row[i], b)
		}
		p.Scale.apply(row)
		if p.Scale.isSilent() {
			hush(row, histories[b])
		}
	}
	return nil
}

func (s Scale) known() bool { _, loud := silent[s]; return loud || s.isSilent() }

func (s Scale) isSilent() bool { return s == SoftmaxNew || s == ShareNew }

// hush takes what is said of the items of a history back; what is NaN stays so.
func hush(row []float32, history []bellwether.Step) {
	for i := range history {
		if item := history[i].Item; item >= 0 && row[item] > 0 {
			row[item] = 0
		}
	}
}

// apply scales one row in place.
func (s Scale) apply(row []float32) {
	if s == Softmax || s == SoftmaxNew {
		tensor.Softmax(row, row, 1, len(row))
		return
	}
	if sum := tensor.Sum(row); sum > 0 {
		tensor.Scale(float32(1/sum), row)
	}
}
