package learn

import (
	"context"
	"slices"

	"bellwether"
)

// inWordsOf returns v's model as one that understands steps in another vocabulary, as data assembled later have it: types, channels and
// campaigns are found by name. What the model does not know it takes as not said; an unknown type as its first one.
func (v *Serving) inWordsOf(d *bellwether.Dataset) bellwether.Model {
	if v.Scorer == nil || d.Sequences == nil {
		return v.Model
	}
	words := VocabularyOf(d)
	t := &translated{Scorer: v.Scorer}
	for _, name := range words.Types {
		t.types = append(t.types, v.types[name])
	}
	t.channels = append(t.channels, 0)
	for _, name := range words.Channels {
		t.channels = append(t.channels, v.channels[name])
	}
	t.campaigns = append(t.campaigns, 0)
	for _, name := range words.Campaigns {
		t.campaigns = append(t.campaigns, v.campaigns[name])
	}
	if same(t.types) && same(t.channels) && same(t.campaigns) {
		return v.Model
	}
	return t
}

// same reports whether each number stands for itself.
func same[T uint8 | uint16](numbers []T) bool {
	for i, n := range numbers {
		if int(n) != i {
			return false
		}
	}
	return true
}

// translated is a scorer that is asked in another vocabulary than its own.
type translated struct {
	bellwether.Scorer
	types     []uint8  // by number in the other one
	channels  []uint8  // by number in the other one, 0: none
	campaigns []uint16 // the same
}

// Score implements [bellwether.Scorer].
func (t *translated) Score(ctx context.Context, histories [][]bellwether.Step, out [][]float32) error {
	own := make([][]bellwether.Step, len(histories))
	for i, h := range histories {
		own[i] = slices.Clone(h)
		for j := range own[i] {
			s := &own[i][j]
			s.Type, s.Channel, s.Campaign = t.types[s.Type], t.channels[s.Channel], t.campaigns[s.Campaign]
		}
	}
	return t.Scorer.Score(ctx, own, out)
}
