package learn

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"bellwether"
	"bellwether/tensor"
)

// Slot holds what is in service for one task. A request loads it once, so that no answer comes from half a model.
type Slot struct{ serving atomic.Pointer[Serving] }

// Load returns what is in service, nil if nothing is.
func (s *Slot) Load() *Serving { return s.serving.Load() }

// Swap puts v in service and returns what was there, nil if nothing was.
func (s *Slot) Swap(v *Serving) *Serving { return s.serving.Swap(v) }

// Vocabulary is what the numbers of a step stood for in training, as in bellwether.Sequences.
type Vocabulary struct {
	Types     []bellwether.EventType  `json:"types,omitempty"`
	Channels  []bellwether.Channel    `json:"channels,omitempty"`
	Campaigns []bellwether.CampaignID `json:"campaigns,omitempty"`
}

// VocabularyOf returns that of a dataset.
func VocabularyOf(d *bellwether.Dataset) Vocabulary {
	if d.Sequences == nil {
		return Vocabulary{}
	}
	return Vocabulary{Types: d.Sequences.Types, Channels: d.Sequences.Channels, Campaigns: d.Sequences.Campaigns}
}

// Serving is one model ready to answer. It is immutable once it is in service.
type Serving struct {
	Version    bellwether.ModelVersion
	Task       string
	Model      bellwether.Model
	Scorer     bellwether.Scorer              // Model, if it ranks items, else nil
	Classifier bellwether.Classifier          // Model, if it gives probabilities, else nil
	Judged     map[string]bellwether.Estimate // figures of a Classifier on the test part
	Withheld   string                         // why its probabilities may not be shown or decided on; "": they may

	currency  bellwether.Currency
	named     named // Scorer, if it asks for names
	items     map[bellwether.ItemID]int32
	types     map[bellwether.EventType]uint8
	channels  map[bellwether.Channel]uint8
	campaigns map[bellwether.CampaignID]uint16
	scratch   sync.Pool // of *scratch
}

// named is a Scorer that is told who is asked about, so that it can remember people between requests;
// "" is nobody in particular. What it answers must not depend on that.
type named interface {
	ScoreAs(ctx context.Context, people []bellwether.Subject, histories [][]bellwether.Step, out [][]float32) error
}

// scratch is the memory of one request.
type scratch struct {
	person  [1]bellwether.Subject
	history [1][]bellwether.Step
	scores  [1][]float32 // by item
	best    []int32
}

// NewServing prepares a model, a Scorer or a Classifier, for service; prices in another currency are not known to it.
func NewServing(version bellwether.ModelVersion, task string, model bellwether.Model, words Vocabulary, currency bellwether.Currency) (*Serving, error) {
	s := &Serving{Version: version, Task: task, Model: model, currency: currency}
	switch m := model.(type) {
	case bellwether.Scorer:
		s.Scorer = m
		s.named, _ = m.(named)
		s.items = numbers[bellwether.ItemID, int32](m.Items(), 0)
		s.types = numbers[bellwether.EventType, uint8](words.Types, 0)
		s.channels = numbers[bellwether.Channel, uint8](words.Channels, 1)
		s.campaigns = numbers[bellwether.CampaignID, uint16](words.Campaigns, 1)
		n := len(m.Items())
		s.scratch.New = func() any { return &scratch{scores: [1][]float32{make([]float32, n)}} }
	case bellwether.Classifier:
		s.Classifier = m
	default:
		return nil, fmt.Errorf("serving %s: a %s model is neither a scorer nor a classifier", version, model.Family())
	}
	return s, nil
}

// numbers counts names from first on.
func numbers[K comparable, V uint8 | uint16 | int32](names []K, first V) map[K]V {
	out := make(map[K]V, len(names))
	for i, name := range names {
		out[name] = first + V(i)
	}
	return out
}

// Best returns at most k items for a person, best first, or why there are none. Items that skip names are left out before the
// cut, so that k come back while enough are eligible; skip is asked about those alone that would be. It allocates the answer alone.
func (v *Serving) Best(ctx context.Context, who bellwether.Subject, history []bellwether.Event, k int, skip func(bellwether.ItemID) bool) (best []bellwether.ScoredItem, reason string, err error) {
	if v.Scorer == nil {
		return nil, "", fmt.Errorf("%s scores no items", v.Version)
	}
	w := v.scratch.Get().(*scratch)
	defer v.scratch.Put(w)
	w.history[0] = v.steps(w.history[0][:0], history)
	if len(w.history[0]) == 0 {
		return nil, "no history that the model knows", nil
	}
	if err := v.score(ctx, w, who); err != nil {
		return nil, "", fmt.Errorf("recommending with %s: %w", v.Version, err)
	}
	if best = v.cut(w, k, skip); len(best) == 0 {
		reason = "the model has no eligible item"
	}
	return best, reason, nil
}

// score fills w.scores for the history in w.
func (v *Serving) score(ctx context.Context, w *scratch, person bellwether.Subject) error {
	if v.named == nil {
		return v.Scorer.Score(ctx, w.history[:], w.scores[:])
	}
	w.person[0] = person
	return v.named.ScoreAs(ctx, w.person[:], w.history[:], w.scores[:])
}

// cut returns the k best items by the scores in w.
func (v *Serving) cut(w *scratch, k int, skip func(bellwether.ItemID) bool) []bellwether.ScoredItem {
	items := v.Scorer.Items()
	k = min(k, len(items))
	if cap(w.best) < k {
		w.best = make([]int32, k)
	}
	var skipAt func(int32) bool
	if skip != nil {
		skipAt = func(at int32) bool { return skip(items[at]) }
	}
	scores := w.scores[0]
	best := tensor.TopKOf(scores, k, w.best[:k], skipAt)
	out := make([]bellwether.ScoredItem, len(best))
	for i, at := range best {
		out[i] = bellwether.ScoredItem{Item: items[at], Score: float64(scores[at])}
	}
	return out
}

// Scores returns the model's score of each of items after a history. An item that the model does
// not know scores as low as the lowest that it knows.
func (v *Serving) Scores(ctx context.Context, history []bellwether.Event, items []bellwether.ItemID) ([]bellwether.ScoredItem, error) {
	if v.Scorer == nil {
		return nil, fmt.Errorf("%s scores no items", v.Version)
	}
	w := v.scratch.Get().(*scratch)
	defer v.scratch.Put(w)
	w.history[0] = v.steps(w.history[0][:0], history)
	if err := v.score(ctx, w, ""); err != nil {
		return nil, fmt.Errorf("scoring with %s: %w", v.Version, err)
	}
	lowest := math.Inf(1)
	out := make([]bellwether.ScoredItem, len(items))
	for i, id := range items {
		out[i] = bellwether.ScoredItem{Item: id, Score: math.Inf(-1)}
		if at, known := v.items[id]; known {
			out[i].Score = float64(w.scores[0][at])
			lowest = min(lowest, out[i].Score)
		}
	}
	if math.IsInf(lowest, 1) {
		lowest = 0
	}
	for i := range out {
		if math.IsInf(out[i].Score, -1) {
			out[i].Score = lowest
		}
	}
	return out, nil
}
