package sequence

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// maxScores bounds the scores that one product makes.
const maxScores = 1 << 21

// together is the number of histories that are scored by one product.
func (m *Model) together() int { return min(128, max(1, maxScores/len(m.items))) }

// scratch is the memory of one scoring.
type scratch struct {
	pass   nn.Pass
	tokens tokens
	last   []int // row of out for each sequence
	scores []float32
}

// Score implements bellwether.Scorer. Scores are logits: their softmax is the
// probability of each item. A person without history gets the logarithm of each
// item's share of the training events.
func (m *Model) Score(ctx context.Context, histories [][]bellwether.Step, out [][]float32) error {
	return m.ScoreAs(ctx, nil, histories, out)
}

// ScoreAs is Score for people with names, of whom a model with hashed people
// may know more than their histories. people may be nil, and each be "".
func (m *Model) ScoreAs(ctx context.Context, people []bellwether.Subject, histories [][]bellwether.Step, out [][]float32) error {
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	step := m.together()
	for first := 0; first < len(histories); first += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		last := min(len(histories), first+step)
		var names []bellwether.Subject
		if h := m.embedding.hashed; people != nil && h != nil && h.People {
			names = people[first:last]
		}
		if err := m.score(s, names, histories[first:last], out[first:last]); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) score(s *scratch, people []bellwether.Subject, histories [][]bellwether.Step, out [][]float32) error {
	s.tokens.reset(len(m.settings.Fields))
	s.last = s.last[:0]
	for i, h := range histories {
		if len(out[i]) < len(m.items) {
			return fmt.Errorf("sequence: scoring: room for %d scores, the vocabulary has %d items", len(out[i]), len(m.items))
		}
		if len(h) == 0 {
			copy(out[i], m.popularity)
			continue
		}
		window, before := latest(h, m.settings.Length)
		if err := m.check(window, false); err != nil {
			return fmt.Errorf("sequence: scoring history %d: %w", i, err)
		}
		s.tokens.append(m, window, before)
		if people != nil {
			s.tokens.name(m.embedding.hashed.person(people[i]))
		}
		s.last = append(s.last, i)
	}
	if len(s.last) == 0 {
		return nil
	}
	n := len(m.items)
	if cap(s.scores) < len(s.last)*n {
		s.scores = make([]float32, len(s.last)*n)
	}
	state := m.lastStates(&s.pass, &s.tokens)
	if len(s.last) == 1 {
		tensor.MatMulPacked(out[s.last[0]], state, m.packed, 1, tensor.Tail{})
		return nil
	}
	tensor.MatMulPacked(s.scores[:len(s.last)*n], state, m.packed, len(s.last), tensor.Tail{})
	for j, i := range s.last {
		copy(out[i], s.scores[j*n:(j+1)*n])
	}
	return nil
}

// lastStates returns the state after the last token of each sequence, [sequences, dim].
func (m *Model) lastStates(p *nn.Pass, t *tokens) []float32 {
	d := m.settings.Dim
	p.Begin(len(t.ids[0]), t.offsets)
	h := m.blocks.Forward(p, m.embedding.Forward(p, t.ids, t.people...))
	sequences := len(t.offsets) - 1
	last := p.Buffer(sequences * d)
	for i, end := range t.offsets[1:] {
		copy(last[i*d:(i+1)*d], h[(int(end)-1)*d:int(end)*d])
	}
	p.Rows = sequences
	return m.norm.Forward(p, last)
}
