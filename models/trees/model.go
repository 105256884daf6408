package trees

import (
	"context"
	"errors"
	"fmt"

	"bellwether"
	"bellwether/internal/tabular"
	"bellwether/tensor"
)

// Model is a trained ensemble of trees.
type Model struct {
	card  card
	loss  loss
	rests []int  // by column: the bin of what is missing
	trees []tree // round by round, within one by output
}

// card is what a file says beside its arrays.
type card struct {
	Family    string    `json:"family"`
	Objective string    `json:"objective"`
	Columns   []column  `json:"columns"`
	Start     []float64 `json:"start"`              // scores before the first tree, by output
	Positive  string    `json:"positive,omitempty"` // the level of the target that counts as 1
}

var _ bellwether.Classifier = (*Model)(nil)

func newModel(c card) *Model {
	m := &Model{card: c, loss: loss{Objective: objectives[c.Objective], outputs: len(c.Start)}}
	for i := range c.Columns {
		m.rests = append(m.rests, c.Columns[i].rest())
	}
	return m
}

// objectives by name.
var objectives = map[string]Objective{"logistic": Logistic, "squared": Squared, "absolute": Absolute, "pinball": Pinball, "softmax": Softmax}

// Family implements bellwether.Model.
func (m *Model) Family() string { return Family }

// Outputs is the number of answers to a row: one, or one for each class of Softmax.
func (m *Model) Outputs() int { return len(m.card.Start) }

// Columns names the columns that the model reads, in its order.
func (m *Model) Columns() []string {
	names := make([]string, len(m.card.Columns))
	for i := range names {
		names[i] = m.card.Columns[i].Name
	}
	return names
}

// Rounds is the number of rounds of boosting that the model keeps.
func (m *Model) Rounds() int { return len(m.trees) / m.Outputs() }

// Parameters returns the number of splits and leaves.
func (m *Model) Parameters() int64 {
	n := 0
	for i := range m.trees {
		n += len(m.trees[i].nodes) + len(m.trees[i].values)
	}
	return int64(n)
}

// cut keeps the first rounds.
func (m *Model) cut(rounds int) { m.trees = m.trees[:rounds*m.Outputs()] }

// Predict implements bellwether.Classifier: what the objective estimates for each row (a probability for Logistic). Softmax has several
// answers a row, which PredictAll gives.
func (m *Model) Predict(ctx context.Context, t *bellwether.Table) ([]float64, error) {
	if m.Outputs() != 1 {
		return nil, fmt.Errorf("trees: the model has %d classes: ask PredictAll", m.Outputs())
	}
	return m.PredictAll(ctx, t)
}

// PredictAll returns [rows, Outputs()] answers, row-major. Columns are matched by name; one that t lacks counts as missing values.
func (m *Model) PredictAll(ctx context.Context, t *bellwether.Table) ([]float64, error) {
	var out []float64
	err := m.each(ctx, t, func(rows int) { out = make([]float64, rows*m.Outputs()) }, func(x *matrix, first int) {
		m.scores(out[first*m.Outputs():(first+x.rows)*m.Outputs()], x)
	})
	if err != nil {
		return nil, fmt.Errorf("trees: predicting: %w", err)
	}
	return out, nil
}

// each encodes t's rows, a chunk after another, and calls visit with each chunk and its first row, from several goroutines.
func (m *Model) each(ctx context.Context, t *bellwether.Table, begin func(rows int), visit func(x *matrix, first int)) error {
	if t == nil {
		return errors.New("there is no table")
	}
	rows, err := tabular.Rows(t)
	if err != nil {
		return err
	}
	begin(rows)
	index := make([]int, rows)
	for r := range index {
		index[r] = r
	}
	x, err := encode(m.card.Columns, t, index)
	if err != nil {
		return err
	}
	tensor.Parallel(chunks(rows), func(i int) {
		if ctx.Err() == nil {
			first := i * chunk
			visit(x.cut(first, min(first+chunk, rows)), first)
		}
	})
	return ctx.Err()
}

// scores writes the answers of all rows of x.
func (m *Model) scores(out []float64, x *matrix) {
	n := m.Outputs()
	for r := range x.rows {
		row := out[r*n : (r+1)*n]
		copy(row, m.card.Start)
		for i := range m.trees {
			row[i%n] += float64(m.trees[i].values[m.trees[i].leaf(x, m.rests, r)])
		}
		m.loss.answer(row)
	}
}
