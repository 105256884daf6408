package serve

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"bellwether"
	"bellwether/tensor"
)

// PopularityVersion is the model version that an answer names when popularity gave it.
const PopularityVersion bellwether.ModelVersion = "popularity"

// ErrNoModel is returned by Predict when no model of the application is in service.
var ErrNoModel = errors.New("no model is in service: run a turn, or train and promote one")

// Serving is one model ready to answer. It is immutable once it is in service.
type Serving struct {
	Version     bellwether.ModelVersion
	Application string
	Scorer      bellwether.Scorer     // of a recommender, else nil
	Classifier  bellwether.Classifier // of a behaviour model, else nil

	named     named // Scorer, if it asks for names
	items     map[bellwether.ItemID]int32
	types     map[bellwether.EventType]uint8
	channels  map[bellwether.Channel]uint8
	campaigns map[bellwether.CampaignID]uint16
	scratch   sync.Pool // of *scratch
}

// named is a Scorer that is told who is asked about, so that it can remember people between requests;
// "" is nobody in particular.
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

// Vocabulary is what the numbers of a step stood for in training, as in bellwether.Sequences.
type Vocabulary struct {
	Types     []bellwether.EventType  `json:"types,omitempty"`
	Channels  []bellwether.Channel    `json:"channels,omitempty"`
	Campaigns []bellwether.CampaignID `json:"campaigns,omitempty"`
}

// NewServing prepares model, a Scorer or a Classifier, for service.
func NewServing(version bellwether.ModelVersion, application string, model bellwether.Model, words Vocabulary) (*Serving, error) {
	s := &Serving{Version: version, Application: application}
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

// Visit is one past event of a person, as a request knows it.
type Visit struct {
	Item     bellwether.ItemID
	Type     bellwether.EventType
	Channel  bellwether.Channel
	Campaign bellwether.CampaignID
	Quantity int32
	Price    int64 // minor units of the project's currency
	Time     time.Time
	Prompted bool // a view or click that answers a decision
}

// Query asks for the best items of one person.
type Query struct {
	Subject bellwether.Subject
	History []Visit // oldest first
	K       int
	Skip    func(bellwether.ItemID) bool // true: must not be recommended; asked about those alone that would be; nil: none
	Popular bool                         // answer by popularity whatever is in service: the holdout's baseline
}

// Service holds the models in service, by application.
type Service struct {
	recommend atomic.Pointer[Serving]
	behaviour atomic.Pointer[Serving]
	popular   atomic.Pointer[[]bellwether.ScoredItem]
	clock     func() time.Time
}

// New returns a service without models; clock gives the time that predictions carry.
func New(clock func() time.Time) *Service { return &Service{clock: clock} }

func (s *Service) pointer(application string) *atomic.Pointer[Serving] {
	if application == "behaviour" {
		return &s.behaviour
	}
	return &s.recommend
}

// Swap puts v in service for its application and returns what was there, nil if nothing.
func (s *Service) Swap(v *Serving) *Serving { return s.pointer(v.Application).Swap(v) }

// Current returns the model in service for an application, nil if there is none.
func (s *Service) Current(application string) *Serving { return s.pointer(application).Load() }

// SetPopular replaces the list of popular items, best first.
func (s *Service) SetPopular(items []bellwether.ScoredItem) { s.popular.Store(&items) }

// Recommend returns at most q.K items for a person, best first: filters apply before the
// cut, so that K answers come back while enough items are eligible. It allocates the answer alone.
func (s *Service) Recommend(ctx context.Context, q Query) (bellwether.Prediction, error) {
	out := bellwether.Prediction{Subject: q.Subject, Application: "recommend", Model: PopularityVersion, Time: s.clock()}
	v := s.recommend.Load()
	switch {
	case q.Popular:
		out.Reason = "popularity was asked for"
	case v == nil:
		out.Reason = "no model is in service"
	default:
		scores, reason, err := v.recommend(ctx, &q)
		if err != nil {
			return out, fmt.Errorf("recommending with %s: %w", v.Version, err)
		}
		if len(scores) > 0 {
			out.Model, out.Scores = v.Version, scores
			return out, nil
		}
		out.Reason = reason
	}
	out.Scores = s.popularFor(q)
	return out, nil
}

// recommend returns the best items for a person, or why there are none.
func (v *Serving) recommend(ctx context.Context, q *Query) (best []bellwether.ScoredItem, reason string, err error) {
	w := v.scratch.Get().(*scratch)
	defer v.scratch.Put(w)
	w.history[0] = v.steps(w.history[0][:0], q.History)
	if len(w.history[0]) == 0 {
		return nil, "no history that the model knows", nil
	}
	if err := v.score(ctx, w, q.Subject); err != nil {
		return nil, "", err
	}
	if best = v.cut(w, q.K, q.Skip); len(best) == 0 {
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

// Steps is a history in the vocabulary of the model, as Recommend scores it.
func (v *Serving) Steps(history []Visit) []bellwether.Step { return v.steps(nil, history) }

// steps appends to steps, which is empty, a history in the vocabulary of the model; items and types that it
// does not know are left out. A run of events about one item is one step with the type of the
// last, and a run of prompts alone is none, as in training (prepare.SequenceOptions).
func (v *Serving) steps(steps []bellwether.Step, history []Visit) []bellwether.Step {
	prompted := false // the last step is
	for _, h := range history {
		item, known := v.items[h.Item]
		kind, typed := v.types[h.Type]
		if !known || !typed {
			continue
		}
		last := len(steps) - 1
		if last >= 0 && prompted && steps[last].Item != item {
			steps, prompted = steps[:last], false
			last--
		}
		if last >= 0 && steps[last].Item == item {
			steps[last].Type, steps[last].Quantity = kind, max(steps[last].Quantity, h.Quantity)
			if h.Price != 0 {
				steps[last].Price = h.Price
			}
			if steps[last].Channel == 0 {
				steps[last].Channel = v.channels[h.Channel]
			}
			if steps[last].Campaign == 0 {
				steps[last].Campaign = v.campaigns[h.Campaign]
			}
			prompted = prompted && h.Prompted
			continue
		}
		steps = append(steps, bellwether.Step{
			Item: item, Type: kind, Channel: v.channels[h.Channel], Campaign: v.campaigns[h.Campaign],
			Quantity: h.Quantity, Price: h.Price, Time: h.Time.Unix(),
		})
		prompted = h.Prompted
	}
	if prompted {
		steps = steps[:len(steps)-1]
	}
	return steps
}

func (s *Service) popularFor(q Query) []bellwether.ScoredItem {
	list := s.popular.Load()
	if list == nil {
		return nil
	}
	out := make([]bellwether.ScoredItem, 0, min(q.K, len(*list)))
	for _, it := range *list {
		if len(out) == q.K {
			break
		}
		if q.Skip == nil || !q.Skip(it.Item) {
			out = append(out, it)
		}
	}
	return out
}

// Predict returns the probability of the positive class for each row of t, and the model that gave it.
func (s *Service) Predict(ctx context.Context, application string, t *bellwether.Table) ([]float64, bellwether.ModelVersion, error) {
	v := s.pointer(application).Load()
	if v == nil || v.Classifier == nil {
		return nil, "", fmt.Errorf("%s: %w", application, ErrNoModel)
	}
	p, err := v.Classifier.Predict(ctx, t)
	if err != nil {
		return nil, v.Version, fmt.Errorf("predicting with %s: %w", v.Version, err)
	}
	return p, v.Version, nil
}

// Scores returns the model's score of each of items after a history. An item that the model does
// not know scores as low as the lowest that it knows.
func (v *Serving) Scores(ctx context.Context, history []Visit, items []bellwether.ItemID) ([]bellwether.ScoredItem, error) {
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
	for i := range out {
		if math.IsInf(out[i].Score, -1) {
			out[i].Score = lowest
		}
	}
	if math.IsInf(lowest, 1) {
		for i := range out {
			out[i].Score = 0
		}
	}
	return out, nil
}
