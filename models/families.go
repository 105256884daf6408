// Package models knows every family of models: one line of a list each, its loader in a folder of its own.
package models

import (
	"fmt"
	"io"
	"slices"

	"bellwether"
	"bellwether/models/dnn"
	"bellwether/models/ensemble"
	"bellwether/models/neighbours"
	"bellwether/models/sequence"
)

// loader restores a model that its Save wrote.
type loader func(io.Reader) (bellwether.Model, error)

// loaders lists how families are restored: those of one line by one loader.
func loaders() []family {
	return []family{
		{neighbours.Families(), of(neighbours.Load)},
		{[]string{sequence.Family}, of(sequence.Load)},
		{[]string{dnn.Majority, dnn.Logistic, dnn.Network}, of(dnn.Load)},
		{[]string{ensemble.Family}, of(func(r io.Reader) (*ensemble.Model, error) { return ensemble.Load(r, Load) })},
	}
}

type family struct {
	names []string
	load  loader
}

// of turns a loader of one type of model into one of any, and a typed nil into a nil interface.
func of[M bellwether.Model](load func(io.Reader) (M, error)) loader {
	return func(r io.Reader) (bellwether.Model, error) {
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
		return nil, fmt.Errorf("load a model: the family %q is unknown: it was made by a newer version, or is misspelt", name)
	}
	m, err := list[at].load(r)
	if err != nil {
		return nil, err
	}
	if m.Family() != name {
		return nil, fmt.Errorf("load a model: the file holds the family %q, not %q", m.Family(), name)
	}
	return m, nil
}
