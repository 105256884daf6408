package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/DataDog/sketches-go/ddsketch"
	sketchstore "github.com/DataDog/sketches-go/ddsketch/store"
)

// learned is what a learner counted up to a place in the log, kept so that the next turn only counts what came since. It may be
// deleted at any time: then everything is counted again.
type learned struct {
	Version    int                             `json:"version"`
	Cursor     uint64                          `json:"cursor"`
	Newest     time.Time                       `json:"newest"` // receipt of what was counted
	Currency   bellwether.Currency             `json:"currency"`
	Rates      map[bellwether.Currency]float64 `json:"rates,omitempty"`
	Campaigns  spellings                       `json:"campaigns,omitempty"`
	Creatives  spellings                       `json:"creatives,omitempty"`
	Prices     map[bellwether.ItemID]kept      `json:"prices,omitempty"`
	Quantities map[bellwether.EventType]kept   `json:"quantities,omitempty"`
	Values     map[bellwether.EventType]kept   `json:"values,omitempty"`
}

const (
	learnedName    = "history/learned.json"
	learnedVersion = 1      // of what is counted and of the form; another one's is counted again
	maxLearned     = 50_000 // prices that are kept: of more it takes as long to read them as to count again
)

// learnOn counts what came since the last time, or everything where that does not do.
func (h *History) learnOn(ctx context.Context, asOf time.Time, cursor uint64, items *catalogue) (*learner, error) {
	l, err := h.learnSince(ctx, asOf, cursor, items)
	if l == nil && err == nil {
		l, err = h.learn(ctx, asOf, cursor, items)
	}
	if err != nil || h.project == nil || l.later || len(l.prices) > maxLearned {
		return l, err
	}
	return l, putLearned(ctx, h.project, h.keep(l, cursor))
}

func putLearned(ctx context.Context, p *store.Project, k *learned) error {
	data, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("history: writing what was learned: %w", err)
	}
	if err := p.Objects.Put(ctx, learnedName, bytes.NewReader(data)); err != nil {
		return fmt.Errorf("history: storing what was learned: %w", err)
	}
	return nil
}

// errAnew says that everything must be counted again.
var errAnew = errors.New("history: the catalogue changed")

// learnSince adds what came since to what is kept; nil when there is nothing that counts, when the catalogue changed since, or when
// less is asked for than was counted.
func (h *History) learnSince(ctx context.Context, asOf time.Time, cursor uint64, items *catalogue) (*learner, error) {
	if h.project == nil {
		return nil, nil
	}
	k, err := h.recall(ctx)
	if err != nil || k == nil || k.Cursor > cursor || !asOf.IsZero() && k.Newest.After(asOf) {
		return nil, err
	}
	l, err := h.revive(k, items)
	if err != nil {
		return nil, nil //nolint:nilerr // damaged: everything is counted again
	}
	err = h.project.Log.Read(ctx, k.Cursor, func(b store.Batch) error {
		if b.Sequence > cursor {
			return nil
		}
		return l.batch(&b, asOf)
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, errAnew), errors.Is(err, store.ErrDamaged):
		return nil, nil
	}
	return l, err
}

func (l *learner) batch(b *store.Batch, asOf time.Time) error {
	for i := range b.Records {
		switch b.Records[i].Kind {
		case store.KindItem:
			return errAnew
		case store.KindEvent:
			var e entry
			if err := store.Decode(b.Records[i].Data, &e.Event); err != nil {
				return err
			}
			if err := l.hear(&e, asOf); err != nil {
				return err
			}
		}
	}
	return nil
}

// recall reads what is kept; nil if there is nothing that counts under today's settings.
func (h *History) recall(ctx context.Context) (*learned, error) {
	f, err := h.project.Objects.Get(ctx, learnedName)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("history: reading what was learned: %w", err)
	}
	defer f.Close()
	k := new(learned)
	if json.NewDecoder(f).Decode(k) != nil || k.Version != learnedVersion || k.Currency != h.money.currency || !maps.Equal(k.Rates, h.money.rates) {
		return nil, nil
	}
	return k, nil
}

func (h *History) keep(l *learner, cursor uint64) *learned {
	return &learned{
		Version: learnedVersion, Cursor: cursor, Newest: l.newest, Currency: h.money.currency, Rates: h.money.rates,
		Campaigns: l.campaigns, Creatives: l.creatives, Prices: keepAll(l.prices), Quantities: keepAll(l.quantities), Values: keepAll(l.values),
	}
}

func (h *History) revive(k *learned, items *catalogue) (*learner, error) {
	l := newLearner(items, &h.money)
	l.newest = k.Newest
	maps.Copy(l.campaigns, k.Campaigns)
	maps.Copy(l.creatives, k.Creatives)
	return l, errors.Join(reviveAll(l.prices, k.Prices), reviveAll(l.quantities, k.Quantities), reviveAll(l.values, k.Values))
}

// kept is a sketch as it is stored.
type kept struct {
	N     int64        `json:"n"`
	Exact [][2]float64 `json:"exact,omitempty"` // numbers in their order, and how often each came
	Rough []byte       `json:"rough,omitempty"`
}

func keepAll[K comparable](from map[K]*sketch) map[K]kept {
	to := make(map[K]kept, len(from))
	for key, s := range from {
		k := kept{N: s.n}
		if s.rough != nil {
			s.rough.Encode(&k.Rough, false)
		} else {
			for _, v := range s.values() {
				k.Exact = append(k.Exact, [2]float64{v.value, float64(v.n)})
			}
		}
		to[key] = k
	}
	return to
}

func reviveAll[K comparable](to map[K]*sketch, from map[K]kept) error {
	for key, k := range from {
		s := newSketch()
		if k.Rough != nil {
			rough, err := ddsketch.DecodeDDSketch(k.Rough, sketchstore.SparseStoreConstructor, nil)
			if err != nil {
				return fmt.Errorf("history: reading a sketch: %w", err)
			}
			s.exact, s.rough = nil, rough
		}
		for _, v := range k.Exact {
			s.exact[v[0]] = int64(v[1])
		}
		s.n, to[key] = k.N, s
	}
	return nil
}
