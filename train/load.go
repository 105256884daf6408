package train

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

// Load restores a model that its Save wrote, by the name of its family.
func Load(family string, r io.Reader) (bellwether.Model, error) {
	m, err := load(family, r)
	if err != nil {
		return nil, err
	}
	if m.Family() != family {
		return nil, fmt.Errorf("load a model: the file holds the family %q, not %q", m.Family(), family)
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
		return model(ensemble.Load(r, Load))
	case slices.Contains([]string{dnn.Majority, dnn.Logistic, dnn.Network}, family):
		return model(dnn.Load(r))
	}
	return nil, fmt.Errorf("load a model: the family %q is unknown: it was made by a newer version, or is misspelt", family)
}

// model turns a typed nil into a nil interface.
func model[M bellwether.Model](m M, err error) (bellwether.Model, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}
