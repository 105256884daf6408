package pipeline

import (
	"fmt"

	"bellwether"
	"bellwether/models/ensemble"
	"bellwether/models/sequence"
	"bellwether/serve"
)

// serving lays a model of a run out for requests. Whatever goes into service comes from here.
func (e *Engine) serving(r *run, m bellwether.Model) (*serve.Serving, error) {
	ready, err := e.remembering(m)
	if err != nil {
		return nil, fmt.Errorf("laying %s out for requests: %w", r.Version, err)
	}
	return serve.NewServing(r.Version, r.Application, ready, r.Vocabulary)
}

// remembering returns m with its Transformer, if it has one, as a Ranker: it remembers people
// between requests, so that one new event costs one token.
func (e *Engine) remembering(m bellwether.Model) (bellwether.Model, error) {
	switch m := m.(type) {
	case *sequence.Model:
		return sequence.NewRanker(m, sequence.RankerOptions{Cache: e.cache})
	case *ensemble.Model:
		parts := m.Parts()
		for i, p := range parts {
			part, err := e.remembering(p.Scorer)
			if err != nil {
				return nil, fmt.Errorf("part %s: %w", p.Name, err)
			}
			parts[i].Scorer = part.(bellwether.Scorer)
		}
		return ensemble.New(parts...)
	}
	return m, nil
}
