// Package models knows every family of models: one line of a list each, its loader in a folder of its own.
package models

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"bellwether"
	"bellwether/models/dnn"
	"bellwether/models/ensemble"
	"bellwether/models/neighbours"
	"bellwether/models/sequence"
	"bellwether/models/trees"
	"bellwether/tensor/nn"
)

// loader restores a model that its Save wrote.
type loader func(io.Reader) (bellwether.Model, error)

// loaders lists how families are restored: those of one line by one loader, and as a part of an ensemble where they can be one.
func loaders() []family {
	return []family{
		{neighbours.Families(), of(neighbours.Load), of(neighbours.Restore)},
		{[]string{sequence.Family}, of(sequence.Load), of(sequence.Restore)},
		{[]string{dnn.Majority, dnn.Logistic, dnn.Network}, of(dnn.Load), nil},
		{[]string{trees.Family}, of(trees.Load), nil},
		{[]string{ensemble.Family}, of(func(r io.Reader) (*ensemble.Model, error) { return ensemble.Load(r, part) }), nil},
	}
}

type family struct {
	names []string
	load  loader
	part  func(*nn.Weights) (bellwether.Model, error) // nil: it is no part of an ensemble
}

// part restores a part of an ensemble.
func part(name string, w *nn.Weights) (bellwether.Model, error) {
	for _, f := range loaders() {
		if f.part != nil && slices.Contains(f.names, name) {
			return f.part(w)
		}
	}
	return nil, fmt.Errorf("the family %q is no part of an ensemble", name)
}

// ErrUnreadable says that a model's file is damaged, or was written by a program whose files this one does not read. The next turn
// makes another.
var ErrUnreadable = errors.New("load a model: its file cannot be read; a turn trains another")

// of turns a loader of one type of model into one of any, and a typed nil into a nil interface.
func of[M bellwether.Model, R any](load func(R) (M, error)) func(R) (bellwether.Model, error) {
	return func(r R) (bellwether.Model, error) {
		m, err := load(r)
		if err != nil {
			return nil, err
		}
		return m, nil
	}
}

// Families names every family, in order.
func Families() (names []string) {
	for _, f := range loaders() {
		names = append(names, f.names...)
	}
	slices.Sort(names)
	return names
}

// Load restores a model that its Save wrote, by the name of its family.
func Load(name string, r io.Reader) (bellwether.Model, error) {
	list := loaders()
	at := slices.IndexFunc(list, func(f family) bool { return slices.Contains(f.names, name) })
	if at < 0 {
		return nil, fmt.Errorf("%w: the family %q is unknown: it was made by a newer version, or is misspelt", ErrUnreadable, name)
	}
	m, err := list[at].load(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if m.Family() != name {
		return nil, fmt.Errorf("%w: it holds the family %q, not %q", ErrUnreadable, m.Family(), name)
	}
	return m, nil
}
