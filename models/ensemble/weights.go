package ensemble

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"bellwether"
	"bellwether/tensor/nn"
)

const maxParts = 16

// card is what a file says beside the arrays of its parts (docs/formats/weights.md).
type card struct {
	Family string     `json:"family"`
	Parts  []partCard `json:"parts"`
}

type partCard struct {
	Name   string          `json:"name"`
	Family string          `json:"family"`
	Scale  Scale           `json:"scale"`
	Weight float64         `json:"weight"`
	Card   json.RawMessage `json:"card"` // the part's own
}

// stored is a model that says what its file holds.
type stored interface {
	// Weights returns arrays that may be the model's own.
	Weights() (*nn.Weights, error)
}

// prefix goes before the names of a part's arrays.
func prefix(part int) string { return fmt.Sprintf("parts.%d.", part) }

// Save writes the weights and every part.
func (m *Model) Save(w io.Writer) error {
	defer runtime.KeepAlive(m) // of its parts' memory
	weights, err := m.Weights()
	if err == nil {
		err = nn.WriteWeights(w, weights.Card, weights.Arrays)
	}
	if err != nil {
		return fmt.Errorf("save an ensemble: %w", err)
	}
	return nil
}

// Weights returns what Save writes. The arrays may be the parts' own: they must not be changed,
// and m must be kept meanwhile.
func (m *Model) Weights() (*nn.Weights, error) {
	c, out := card{Family: Family}, new(nn.Weights)
	for i, p := range m.parts {
		s, ok := p.Scorer.(stored)
		if !ok {
			return nil, fmt.Errorf("%s, of family %q, has no weights", p.Name, p.Scorer.Family())
		}
		weights, err := s.Weights()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		c.Parts = append(c.Parts, partCard{p.Name, p.Scorer.Family(), p.Scale, p.Weight, weights.Card})
		for _, a := range weights.Arrays {
			a.Name = prefix(i) + a.Name
			out.Arrays = append(out.Arrays, a)
		}
	}
	var err error
	out.Card, err = json.Marshal(c)
	return out, err
}

// Load restores what Save wrote; part restores a part by its family.
func Load(r io.Reader, part func(family string, w *nn.Weights) (bellwether.Model, error)) (*Model, error) {
	w, err := nn.ReadWeights(r)
	if err != nil {
		return nil, fmt.Errorf("load an ensemble: %w", err)
	}
	m, err := restore(w, part)
	if err != nil {
		return nil, fmt.Errorf("load an ensemble: %w", err)
	}
	return m, nil
}

func restore(w *nn.Weights, part func(string, *nn.Weights) (bellwether.Model, error)) (*Model, error) {
	var c card
	if err := json.Unmarshal(w.Card, &c); err != nil {
		return nil, fmt.Errorf("%w: its card: %w", nn.ErrFormat, err)
	}
	if c.Family != Family {
		return nil, fmt.Errorf("%w: family %q", nn.ErrMismatch, c.Family)
	}
	if len(c.Parts) > maxParts {
		return nil, fmt.Errorf("%w: it has %d parts, more than %d", nn.ErrFormat, len(c.Parts), maxParts)
	}
	parts := make([]Part, len(c.Parts))
	for i, p := range c.Parts {
		if p.Family == Family {
			return nil, errors.New("an ensemble is no part of an ensemble")
		}
		m, err := part(p.Family, within(w, i, p.Card))
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", i, err)
		}
		scorer, ok := m.(bellwether.Scorer)
		if !ok {
			return nil, fmt.Errorf("part %d: a model of family %q scores no items", i, p.Family)
		}
		parts[i] = Part{Name: p.Name, Scorer: scorer, Scale: p.Scale, Weight: p.Weight}
	}
	return New(parts...)
}

// within returns the weights of one part.
func within(w *nn.Weights, part int, card json.RawMessage) *nn.Weights {
	out := &nn.Weights{Card: card}
	for _, a := range w.Arrays {
		if name, ok := strings.CutPrefix(a.Name, prefix(part)); ok {
			a.Name = name
			out.Arrays = append(out.Arrays, a)
		}
	}
	return out
}
