package recommend

import (
	"errors"
	"fmt"

	"bellwether"
	"bellwether/dataset"
	"bellwether/history"
	"bellwether/learn"
	"bellwether/models/ensemble"
	"bellwether/models/sequence"
)

// minPeople is how many people with targets are needed to learn.
const minPeople = 20

// Task is what is learned: which item a person wants next.
func Task() learn.Task {
	return learn.Task{
		Name: Name, Title: "Which item a person wants next", Metric: "ndcg@10",
		Data: newData, Check: check, Candidates: Candidates,
		Judge: learn.JudgeRanks, Compare: learn.CompareRanks, Warnings: learn.SequenceWarnings,
		Guard: guard, Refit: refit, Serve: remembering,
	}
}

// data assembles sequences, and the slates that the guard values a new model on.
type data struct {
	in        learn.Inputs
	sequences *dataset.Sequences
	slates    *slates
}

func newData(in learn.Inputs) learn.Assembler {
	return &data{in: in, slates: newSlates(in), sequences: dataset.NewSequences(dataset.SequenceOptions{
		Protocol: dataset.ByTimes, Types: in.Types, Collapse: true, Unprompted: true, Currency: in.Currency, Items: in.Items,
		Exclude: bellwether.ExcludePurchased, // the surface's default: Request.Exclude
	})}
}

// Kept is how many steps are in memory.
func (d *data) Kept() int64 { return d.sequences.Kept() }

// Fork implements [history.Reducer].
func (d *data) Fork() history.Reducer {
	return &data{in: d.in, sequences: d.sequences.Fork().(*dataset.Sequences), slates: d.slates.fork()}
}

// Add implements [history.Reducer].
func (d *data) Add(p *history.Person) error {
	return errors.Join(d.sequences.Add(p), d.slates.add(p))
}

// Merge implements [history.Reducer].
func (d *data) Merge(next history.Reducer) error {
	n, ok := next.(*data)
	if !ok {
		return fmt.Errorf("recommend: data cannot take in a %T", next)
	}
	d.slates.merge(n.slates)
	return d.sequences.Merge(n.sequences)
}

// Done implements [history.Reducer].
func (d *data) Done() error { return d.sequences.Done() }

// Share implements [learn.Assembler].
func (d *data) Share() float64 { return d.sequences.Share() }

// Dataset implements [learn.Assembler].
func (d *data) Dataset() (*bellwether.Dataset, error) {
	q, err := d.sequences.Data()
	if err != nil {
		return nil, err
	}
	out := d.in.Dataset(Name)
	out.Sequences = q
	out.Digest = dataset.Digest(out)
	return out, nil
}

func check(d *bellwether.Dataset) error {
	if d.Sequences == nil {
		return fmt.Errorf("%s learns from the events of the log, and not from a table", Name)
	}
	if n := len(d.Sequences.Validation); n < minPeople {
		return fmt.Errorf("%w: %d people have 3 events with items or more, %d are needed", learn.ErrNoData, n, minPeople)
	}
	return nil
}

// remembering returns m with its Transformer, if it has one, as a Ranker: it remembers people between requests, so that one new
// event costs one token.
func remembering(m bellwether.Model, people *sequence.Cache) (bellwether.Model, error) {
	switch m := m.(type) {
	case *sequence.Model:
		return sequence.NewRanker(m, sequence.RankerOptions{Cache: people})
	case *ensemble.Model:
		parts := m.Parts()
		for i, p := range parts {
			part, err := remembering(p.Scorer, people)
			if err != nil {
				return nil, fmt.Errorf("part %s: %w", p.Name, err)
			}
			parts[i].Scorer = part.(bellwether.Scorer)
		}
		return ensemble.New(parts...)
	}
	return m, nil
}
