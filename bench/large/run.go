package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"bellwether"
	"bellwether/bench/engine"
	"bellwether/internal/market"
	"bellwether/models/sequence"
)

type options struct {
	World    market.Preset
	Settings *sequence.Settings
	Dir      string
	Steps    int
	Every    time.Duration
	Seed     uint64
	Progress io.Writer
}

// result is the document.
type result struct {
	World        string  `json:"world"`
	Parameters   int64   `json:"parameters"`
	Steps        int     `json:"steps"`
	Tokens       int     `json:"tokens"`     // of all steps
	FirstLoss    float64 `json:"first_loss"` // mean of the first steps
	LastLoss     float64 `json:"last_loss"`  // of as many last ones
	PerSecond    float64 `json:"tokens_per_second"`
	TrainSeconds float64 `json:"train_seconds"` // without checkpoints
	WorldSeconds float64 `json:"world_seconds"` // making the market
	Checkpoint   float64 `json:"checkpoint_seconds"`
	Save         float64 `json:"save_seconds"`
	Load         float64 `json:"load_seconds"`  // mapping, checksum, laying out for scoring
	FileGiB      float64 `json:"file_gib"`      // of the model
	TrainGiB     float64 `json:"train_rss_gib"` // peak until training ended
	PeakGiB      float64 `json:"peak_rss_gib"`
	LoadedEqual  bool    `json:"loaded_equal"`  // the mapped model's scores are the trained one's
	ResumedFrom  int     `json:"resumed_from"`  // step of the checkpoint before the last
	ResumedEqual bool    `json:"resumed_equal"` // from there to the end, the same bits
}

const perEpoch = 10 // steps of a figure of the loss

func run(ctx context.Context, o options) (*result, error) {
	if o.Steps < perEpoch || o.Steps%perEpoch != 0 {
		return nil, fmt.Errorf("%d steps: it takes a multiple of %d", o.Steps, perEpoch)
	}
	started := time.Now()
	source, err := newSource(o.World, o.Seed)
	if err != nil {
		return nil, err
	}
	r := &result{World: source.world.Name(), Steps: o.Steps, WorldSeconds: time.Since(started).Seconds()}
	t := &training{options: o, source: source, result: r}
	digest, scores, err := t.first(ctx)
	if err != nil {
		return nil, err
	}
	r.TrainGiB = engine.PeakGiB()
	debug.FreeOSMemory()
	if err := t.load(ctx, scores); err != nil {
		return nil, err
	}
	debug.FreeOSMemory()
	if err := t.again(ctx, digest); err != nil {
		return nil, err
	}
	r.PeakGiB = engine.PeakGiB()
	return r, nil
}

// training is the runs on one source.
type training struct {
	options
	source *source
	result *result
}

func (t *training) path(name string) string { return filepath.Join(t.Dir, name) }

func (t *training) train(ctx context.Context, c *checkpoint, report func(bellwether.Progress)) (*sequence.Model, error) {
	tr := sequence.Trainer{Settings: t.Settings, Seed: t.Seed, Epochs: t.Steps / perEpoch, Checkpoint: c}
	stream := t.source.stream(t.Settings.Length)
	stream.Epoch, stream.Every = perEpoch, t.Every
	return tr.TrainStream(ctx, stream, report)
}

// first trains from the start and returns the digest of the model's file and some of its scores.
func (t *training) first(ctx context.Context) (digest []byte, scores [][]float32, err error) {
	r, c := t.result, &checkpoint{path: t.path("checkpoint.safetensors"), before: t.path("before.safetensors")}
	m, err := t.train(ctx, c, func(p bellwether.Progress) {
		r.TrainSeconds = p.Elapsed.Seconds()
		if p.Loss != 0 && p.Loss != r.LastLoss {
			r.LastLoss = p.Loss
			t.remember(p.Loss)
			fmt.Fprintf(t.Progress, "step %d of %d: loss %.4f, %.1f s, %.2f GiB\n", p.Done/perEpoch*perEpoch, t.Steps, p.Loss, r.TrainSeconds, engine.PeakGiB())
		}
	})
	if err != nil {
		return nil, nil, err
	}
	defer m.Close()
	if text, err := os.ReadFile(t.path("first_loss")); err == nil {
		r.FirstLoss, _ = strconv.ParseFloat(string(text), 64)
	}
	r.Parameters, r.Checkpoint = m.Parameters(), c.seconds
	if r.Tokens, err = t.source.tokensOf(t.Steps, t.Settings.Batch, t.Settings.Length); err != nil {
		return nil, nil, err
	}
	r.PerSecond = float64(r.Tokens) / max(r.TrainSeconds, 1e-9)
	if scores, err = t.score(ctx, m); err != nil {
		return nil, nil, err
	}
	started, h := time.Now(), sha256.New()
	err = replace(t.path("model.safetensors"), func(w io.Writer) error { return m.Save(io.MultiWriter(w, h)) })
	r.Save = time.Since(started).Seconds()
	return h.Sum(nil), scores, err
}

// remember keeps the first loss of all for a run that goes on from here.
func (t *training) remember(loss float64) {
	f, err := os.OpenFile(t.path("first_loss"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return // there is one
	}
	defer f.Close()
	fmt.Fprint(f, loss)
}

// score returns the scores of a few people.
func (t *training) score(ctx context.Context, m *sequence.Model) ([][]float32, error) {
	people, err := t.source.batch(1, 3)
	if err != nil {
		return nil, err
	}
	var names []bellwether.Subject
	var histories [][]bellwether.Step
	var out [][]float32
	for _, p := range people {
		names, histories, out = append(names, p.ID), append(histories, p.Steps), append(out, make([]float32, len(m.Items())))
	}
	return out, m.ScoreAs(ctx, names, histories, out)
}

// load maps the model's file and compares its scores.
func (t *training) load(ctx context.Context, want [][]float32) error {
	f, err := os.Open(t.path("model.safetensors"))
	if err != nil {
		return err
	}
	defer f.Close()
	started := time.Now()
	m, err := sequence.Open(f)
	if err != nil {
		return err
	}
	defer m.Close()
	t.result.Load = time.Since(started).Seconds()
	if info, err := f.Stat(); err == nil {
		t.result.FileGiB = float64(info.Size()) / (1 << 30)
	}
	got, err := t.score(ctx, m)
	t.result.LoadedEqual = equal(got, want)
	return err
}

// again resumes from the checkpoint before the last and trains to the same end.
func (t *training) again(ctx context.Context, want []byte) error {
	c := &checkpoint{path: t.path("before.safetensors"), readOnly: true}
	if _, err := os.Stat(c.path); err != nil {
		return fmt.Errorf("there is no checkpoint before the last to resume from: train longer, or store one more often (-every): %w", err)
	}
	steps := 0
	m, err := t.train(ctx, c, func(p bellwether.Progress) {
		if p.Note == "" {
			steps++
			fmt.Fprintf(t.Progress, "resumed: step %d of %d\n", p.Done, t.Steps)
		}
	})
	if err != nil {
		return err
	}
	defer m.Close()
	h := sha256.New()
	if err := m.Save(h); err != nil {
		return err
	}
	t.result.ResumedFrom, t.result.ResumedEqual = t.Steps-steps, bytes.Equal(h.Sum(nil), want)
	return nil
}

func equal(a, b [][]float32) bool {
	for i := range b {
		for j := range b[i] {
			if a[i][j] != b[i][j] {
				return false
			}
		}
	}
	return len(b) > 0
}
