package sequence

import (
	"context"
	"fmt"
	"time"

	"bellwether"
)

// Stream is a data set without an end, which is read in batches as it is learned.
type Stream struct {
	Name  string // of what it holds, for the identity of a checkpoint
	Items []bellwether.ItemID
	Types []bellwether.EventType
	// What else steps and items have, as in bellwether.Sequences; each may be nil.
	Channels   []bellwether.Channel
	Campaigns  []bellwether.CampaignID
	Categories []string
	Content    []float32
	// Batch returns size people of a pass, which counts from 1. Equal calls give
	// equal people: a run that is resumed asks for the passes that follow.
	Batch func(pass, size int) ([]Person, error)
	Epoch int           // batches between two looks at the time and the losses, 0: 10
	Every time.Duration // least time between two checkpoints
}

// Person is one person's events, in the order of time.
type Person struct {
	ID    bellwether.Subject // "" for nobody in particular
	Steps []bellwether.Step
}

// sample is the number of batches by which items are counted before training.
const sample = 32

// TrainStream is Train for a stream, until Epochs or Minutes are used up. What a
// person without history is scored by follows from the first batches.
func (tr Trainer) TrainStream(ctx context.Context, s *Stream, report func(bellwether.Progress)) (*Model, error) {
	if len(s.Items) == 0 || tr.Epochs <= 0 && tr.Minutes <= 0 {
		return nil, fmt.Errorf("sequence: training on a stream of %d items for %d epochs and %g minutes: it needs items and an end", len(s.Items), tr.Epochs, tr.Minutes)
	}
	q := &bellwether.Sequences{
		Items: s.Items, Types: s.Types, TrainEnd: []int{0},
		Channels: s.Channels, Campaigns: s.Campaigns, Categories: s.Categories, Content: s.Content,
	}
	settings, err := tr.settings(q)
	if err != nil {
		return nil, err
	}
	loss, err := settings.loss(len(s.Items))
	if err != nil {
		return nil, err
	}
	r := &run{Trainer: tr, stream: s, loss: loss, model: newModel(settings, vocabularyOf(q), tr.Seed)}
	if err := r.countStream(); err != nil {
		return nil, err
	}
	if tr.Warm != nil {
		r.model.warm(tr.Warm)
	}
	fit, err := r.fit(report)
	if err != nil {
		return nil, err
	}
	fit.Batches, fit.Batch, fit.Every = s.Epoch, r.next, s.Every
	if fit.Batches == 0 {
		fit.Batches = 10
	}
	if fit.Identity, err = r.identity(s.Name, fit.Batches); err != nil {
		return nil, err
	}
	return r.train(ctx, fit)
}

func (r *run) countStream() error {
	counts := make([]float64, len(r.stream.Items))
	var seen []bellwether.Step
	for pass := range sample {
		people, err := r.read(pass + 1)
		if err != nil {
			return err
		}
		for _, p := range people {
			countSteps(counts, p.Steps)
			if r.model.settings.looksAt("price") {
				seen = append(seen, p.Steps...)
			}
		}
	}
	r.learnPrices(r.stream.Categories, [][]bellwether.Step{seen})
	r.model.count(counts)
	return nil
}

// read returns the people of a pass from whom something can be learned.
func (r *run) read(pass int) ([]Person, error) {
	s := r.stream
	people, err := s.Batch(pass, r.model.settings.Batch)
	if err != nil {
		return nil, fmt.Errorf("sequence: reading pass %d of %s: %w", pass, s.Name, err)
	}
	r.persons = r.persons[:0]
	for i, p := range people {
		if err := r.model.check(p.Steps, true); err != nil {
			return nil, fmt.Errorf("sequence: training: person %d of pass %d: %w", i, pass, err)
		}
		if len(p.Steps) >= 2 {
			r.persons = append(r.persons, p)
		}
	}
	return r.persons, nil
}

// next runs one forward and backward pass over the people of a pass.
func (r *run) next(_, _, pass int) (float64, error) {
	people, err := r.read(pass)
	if err != nil {
		return 0, err
	}
	learned := r.pack(people, pass)
	if learned == 0 {
		return 0, nil
	}
	return r.forwardBackward(pass, learned), nil
}
