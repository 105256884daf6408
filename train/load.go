package train

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
	"bellwether/tensor/nn"
)

// ErrUnreadable says that a model's file is damaged, or was written by a program whose files
// this one does not read. The next turn makes another.
var ErrUnreadable = errors.New("load a model: its file cannot be read; a turn trains another")

// Load restores a model that its Save wrote, by the name of its family. An error is an ErrUnreadable.
func Load(family string, r io.Reader) (bellwether.Model, error) {
	m, err := load(family, r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if m.Family() != family {
		return nil, fmt.Errorf("%w: it holds the family %q, not %q", ErrUnreadable, m.Family(), family)
	}
	return m, nil
}

func load(family string, r io.Reader) (bellwether.Model, error) {
	switch {
	case slices.Contains(neighbours.Families(), family):
		return model(neighbours.Load(r))
	case family == sequence.Family:
		return model(sequence.Load(r))
	case family == ensemble.Family:
		return model(ensemble.Load(r, part))
	case slices.Contains([]string{dnn.Majority, dnn.Logistic, dnn.Network}, family):
		return model(dnn.Load(r))
	}
	return nil, fmt.Errorf("the family %q is unknown: it was made by a newer version, or is misspelt", family)
}

// part restores a part of an ensemble.
func part(family string, w *nn.Weights) (bellwether.Model, error) {
	switch {
	case slices.Contains(neighbours.Families(), family):
		return model(neighbours.Restore(w))
	case family == sequence.Family:
		return model(sequence.Restore(w))
	}
	return nil, fmt.Errorf("the family %q is no part of an ensemble", family)
}

// model turns a typed nil into a nil interface.
func model[M bellwether.Model](m M, err error) (bellwether.Model, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}
