package behaviour

import (
	"fmt"
	"time"

	"bellwether"
	"bellwether/dataset"
	"bellwether/history"
	"bellwether/learn"
	"bellwether/models/dnn"
)

// Limits below which there is too little data to learn from.
const (
	minRows  = 100
	minClass = 10 // of either class, in each part of the split
)

// Task is what is learned: who buys within 30 days, or who is of the positive class of a given table.
func Task() learn.Task {
	return learn.Task{
		Name: Name, Title: "Who buys within 30 days", Metric: "auc",
		Data: newData, Check: check, Candidates: Candidates, Judge: learn.JudgeClasses, Compare: learn.CompareClasses,
	}
}

// data assembles the customer table, and sees how new what people did is.
type data struct {
	in        learn.Inputs
	customers *dataset.Customers
	newest    time.Time
}

func newData(in learn.Inputs) learn.Assembler {
	return &data{in: in, customers: dataset.NewCustomers(dataset.TableOptions{AsOf: in.AsOf, Currency: in.Currency, Items: in.Items})}
}

// Fork implements [history.Reducer].
func (d *data) Fork() history.Reducer {
	return &data{in: d.in, customers: d.customers.Fork().(*dataset.Customers)}
}

// Add implements [history.Reducer].
func (d *data) Add(p *history.Person) error {
	if n := len(p.Events); n > 0 && p.Events[n-1].Occurred.After(d.newest) {
		d.newest = p.Events[n-1].Occurred
	}
	return d.customers.Add(p)
}

// Merge implements [history.Reducer].
func (d *data) Merge(next history.Reducer) error {
	n, ok := next.(*data)
	if !ok {
		return fmt.Errorf("behaviour: data cannot take in a %T", next)
	}
	if n.newest.After(d.newest) {
		d.newest = n.newest
	}
	return d.customers.Merge(n.customers)
}

// Done implements [history.Reducer].
func (d *data) Done() error { return d.customers.Done() }

// Share implements [learn.Assembler].
func (d *data) Share() float64 { return d.customers.Share() }

// horizon is how long after the moment as of which people are described their purchases count.
const horizon = 30 * 24 * time.Hour

// Dataset implements [learn.Assembler].
func (d *data) Dataset() (*bellwether.Dataset, error) {
	table, err := d.customers.Data()
	if err != nil {
		return nil, err
	}
	out := d.in.Dataset(Name)
	out.Table, out.Newest = table, d.newest
	out.Digest = dataset.Digest(out)
	return out, nil
}

// check wants a table with 100 people, and 10 of either class in each part of the split. Where nothing came in the time in which
// purchases would count, it says so: that nobody bought would be no finding.
func check(d *bellwether.Dataset) error {
	t := d.Table
	if t == nil {
		return fmt.Errorf("%s learns from a table", Name)
	}
	if cut := d.AsOf.Add(-horizon); !d.Newest.IsZero() && d.Newest.Before(cut) {
		return fmt.Errorf("%w: the newest event is of %s, and who bought in the 30 days since %s can't be seen: import what came since",
			learn.ErrNoData, d.Newest.UTC().Format(time.DateOnly), cut.UTC().Format(time.DateOnly))
	}
	if t.Rows() < minRows {
		return fmt.Errorf("%w: %d people are in the table, %d are needed", learn.ErrNoData, t.Rows(), minRows)
	}
	var count [3][2]int
	for i, y := range t.Target {
		if y != 0 && y != 1 {
			return fmt.Errorf("%s tells two classes apart, and row %d has the target %g: say which value counts as 1", Name, i+1, y)
		}
		count[t.Split[i]][int(y)]++
	}
	for _, split := range []bellwether.Split{bellwether.Train, bellwether.Test} {
		for class, n := range count[split] {
			if n < minClass {
				return fmt.Errorf("%w: class %d has %d people in a part of the split, %d are needed", learn.ErrNoData, class, n, minClass)
			}
		}
	}
	return nil
}

// Candidates lists the classifiers: the majority's share, logistic regression and the reference network of docs/science.md §3.
func Candidates(o learn.FitOptions) []learn.Candidate {
	classifier := func(kind string, baseline bool) learn.Candidate {
		t := dnn.Trainer{Kind: kind, Epochs: o.Epochs, Seed: o.Seed, Clock: o.Clock}
		if o.Checkpoints != nil {
			t.Checkpoint = o.Checkpoints(kind)
		}
		return learn.Candidate{Name: kind, Baseline: baseline, Train: learn.By(t), Settings: learn.Says(map[string]any{"epochs": o.Epochs, "seed": o.Seed})}
	}
	return []learn.Candidate{classifier(dnn.Majority, true), classifier(dnn.Logistic, true), classifier(dnn.Network, false)}
}
