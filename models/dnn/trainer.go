package dnn

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"bellwether"
	"bellwether/internal/tabular"
	"bellwether/tensor/nn"
)

// Trainer fits a Model on Dataset.Table. The zero value is the reference network
// of docs/science.md §3.
type Trainer struct {
	Kind       string  // Network, Logistic or Majority; "" means Network
	Hidden     []int   // widths of Network's hidden layers; nil means 128, 64
	Dropout    float32 // after each; 0 means .2, below 0 none
	Rate       float64 // of Adam; 0 means 1e-3, for Logistic 1e-2
	Batch      int     // 0 means 32
	Epochs     int     // 0 means 10
	Validation float64 // share of the training rows that choose the epoch when the table has no Validation rows; 0 means .2
	Seed       uint64
	Checkpoint bellwether.Checkpoint
	Clock      func() time.Time // nil means time.Now
}

// Family implements bellwether.Trainer.
func (tr Trainer) Family() string { return tr.withDefaults().Kind }

func (tr Trainer) withDefaults() Trainer {
	if tr.Kind == "" {
		tr.Kind = Network
	}
	if tr.Hidden == nil {
		tr.Hidden = []int{128, 64}
	}
	if tr.Kind != Network {
		tr.Hidden = nil
	}
	switch {
	case tr.Dropout == 0:
		tr.Dropout = .2
	case tr.Dropout < 0:
		tr.Dropout = 0
	}
	if tr.Rate == 0 {
		tr.Rate = 1e-3
		if tr.Kind == Logistic {
			tr.Rate = 1e-2
		}
	}
	if tr.Batch <= 0 {
		tr.Batch = 32
	}
	if tr.Epochs <= 0 {
		tr.Epochs = 10
	}
	if tr.Validation <= 0 || tr.Validation >= 1 {
		tr.Validation = .2
	}
	if tr.Clock == nil {
		tr.Clock = time.Now
	}
	return tr
}

// Train implements bellwether.Trainer. Test rows are not looked at.
func (tr Trainer) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	tr = tr.withDefaults()
	fit, valid, err := tr.split(d.Table)
	if err != nil {
		return nil, fmt.Errorf("dnn: training %s: %w", tr.Kind, err)
	}
	if tr.Kind == Majority {
		return majority(d.Table, append(fit, valid...)), nil
	}
	encoder, err := fitEncoder(d.Table, fit)
	if err != nil {
		return nil, err
	}
	if encoder.Width == 0 {
		return nil, fmt.Errorf("dnn: training %s: the table has no usable column", tr.Kind)
	}
	r := run{Trainer: tr, model: newModel(card{
		Family: tr.Kind, Hidden: tr.Hidden, Dropout: tr.Dropout, Encoder: encoder, Positive: d.Table.Positive,
	}, tr.Seed)}
	if r.fit, err = encodeExamples(&encoder, d.Table, fit); err != nil {
		return nil, err
	}
	if r.valid, err = encodeExamples(&encoder, d.Table, valid); err != nil {
		return nil, err
	}
	if err := r.train(ctx, d, report); err != nil {
		return nil, err
	}
	return r.model, nil
}

// split returns the rows to fit and those that choose the epoch.
func (tr Trainer) split(t *bellwether.Table) (fit, valid []int, err error) {
	if fit, valid, err = tabular.Split(t, tr.Validation, tr.Seed); err != nil {
		return nil, nil, err
	}
	for r, y := range t.Target {
		if y != 0 && y != 1 {
			return nil, nil, fmt.Errorf("the target of row %d is %g: a class is 0 or 1", r, y)
		}
	}
	return fit, valid, nil
}

// majority returns the model that gives everyone the share of positives.
func majority(t *bellwether.Table, rows []int) *Model {
	var positive float64
	for _, r := range rows {
		positive += t.Target[r]
	}
	m := newModel(card{Family: Majority, Positive: t.Positive}, 0)
	share := (positive + .5) / (float64(len(rows)) + 1)
	m.params[len(m.params)-1].Value[0] = float32(math.Log(share / (1 - share)))
	return m
}

// examples are encoded rows.
type examples struct {
	x []float32 // [n, width]
	y []float32 // [n]
}

func encodeExamples(e *Encoder, t *bellwether.Table, rows []int) (examples, error) {
	x, err := e.encode(t, rows)
	y := make([]float32, len(rows))
	for i, r := range rows {
		y[i] = float32(t.Target[r])
	}
	return examples{x, y}, err
}

// run is one training run.
type run struct {
	Trainer
	model      *Model
	fit, valid examples

	pass  nn.Pass
	order []int // of the epoch
	epoch int
	x     []float32 // of the batch
	y, dy []float32
}

func (r *run) train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) error {
	r.prepare()
	n := len(r.fit.y)
	fit := nn.Fit{
		Name: r.Kind, Params: r.model.params, Optimizer: nn.NewAdam(r.model.params, nn.Adam{}),
		Schedule: nn.Schedule{Peak: r.Rate},
		Batches:  (n + r.Batch - 1) / r.Batch, Batch: r.batch, Validate: r.validate,
		Epochs: r.Epochs, Checkpoint: r.Checkpoint, Identity: r.identity(d), Clock: r.Clock, Report: report,
	}
	if _, err := fit.Run(ctx); err != nil {
		return err
	}
	r.calibrate()
	return nil
}

// prepare makes the run's buffers.
func (r *run) prepare() {
	width := r.model.card.Encoder.Width
	r.order, r.epoch = make([]int, len(r.fit.y)), -1
	r.x, r.y, r.dy = make([]float32, r.Batch*width), make([]float32, r.Batch), make([]float32, r.Batch)
	r.pass.Random.Seed = r.Seed
}

// identity names what a checkpoint depends on.
func (r *run) identity(d *bellwether.Dataset) string {
	text, _ := json.Marshal([]any{r.model.card, r.Rate, r.Batch, r.Validation, r.Seed, d.Digest, len(r.fit.y)})
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// batch runs one forward and backward pass.
func (r *run) batch(epoch, batch, pass int) (float64, error) {
	if r.epoch != epoch {
		for i := range r.order {
			r.order[i] = i
		}
		tabular.Shuffle(r.order, r.Seed, uint64(epoch))
		r.epoch = epoch
	}
	rows := r.order[batch*r.Batch : min(len(r.order), (batch+1)*r.Batch)]
	width := r.model.card.Encoder.Width
	for i, row := range rows {
		copy(r.x[i*width:(i+1)*width], r.fit.x[row*width:])
		r.y[i] = r.fit.y[row]
	}
	p := &r.pass
	p.Train, p.Random.Step = true, uint32(pass)
	p.Begin(len(rows), nil)
	logits := r.model.network.Forward(p, r.x[:len(rows)*width])
	loss := nn.BinaryCrossEntropy(r.dy, logits, r.y[:len(rows)], 1/float32(len(rows)))
	r.model.network.Backward(p, r.dy[:len(rows)])
	return loss, nil
}

// validate returns minus the log loss of the validation rows.
func (r *run) validate(ctx context.Context) (float64, error) {
	n, width, p := len(r.valid.y), r.model.card.Encoder.Width, &r.pass
	p.Train = false
	var loss float64
	for first := 0; first < n; first += chunk {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		rows := min(n-first, chunk)
		p.Begin(rows, nil)
		logits := r.model.network.Forward(p, r.valid.x[first*width:(first+rows)*width])
		loss += nn.BinaryCrossEntropy(nil, logits[:rows], r.valid.y[first:first+rows], 1/float32(n))
	}
	return -loss, nil
}
