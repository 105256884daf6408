package sequence

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"bellwether"
	"bellwether/tensor/nn"
)

// Trainer fits a Model on Dataset.Sequences. The zero value trains the preset
// "base" until validation stops to improve. Minutes only end it: a training that is done before gives
// the same model as without them.
type Trainer struct {
	Preset     string    // "" means "base"
	Settings   *Settings // instead of Preset; nil: by Preset
	Seed       uint64
	Epochs     int     // at most; 0: until Patience or Minutes are used up, 40 where nothing else ends it
	Minutes    float64 // of training, 0: no limit
	Patience   int     // validations without a better figure that end the training; 0: 8, below 0: no limit
	Checkpoint bellwether.Checkpoint
	Warm       *Model           // start, where there is no checkpoint, from what it learned of the same items, types and positions; nil: from seed
	Clock      func() time.Time // nil means time.Now
}

// Family implements bellwether.Trainer.
func (tr Trainer) Family() string { return Family }

// Train implements bellwether.Trainer.
func (tr Trainer) Train(ctx context.Context, d *bellwether.Dataset, report func(bellwether.Progress)) (bellwether.Model, error) {
	r, err := tr.prepare(d)
	if err != nil {
		return nil, err
	}
	fit, err := r.plan(d, report)
	if err != nil {
		return nil, err
	}
	m, err := r.train(ctx, fit)
	if err == nil && len(m.tasks) > 0 {
		if err = r.calibrate(ctx, d); err != nil {
			m.Close()
			return nil, err
		}
		m.pack()
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (r *run) train(ctx context.Context, fit *nn.Fit) (*Model, error) {
	result, err := fit.Run(ctx)
	r.model.settings.Steps = min(result.Steps, result.BestEpoch*((fit.Batches+max(fit.Accumulate, 1)-1)/max(fit.Accumulate, 1)))
	r.model.settings.OutOfTime = result.OutOfTime
	r.model.params.ForgetGrads()
	r.model.training.Release()
	if err != nil {
		r.model.Close()
		return nil, fmt.Errorf("sequence: %w", err)
	}
	r.model.pack()
	return r.model, nil
}

// prepare checks the data and makes the untrained model.
func (tr Trainer) prepare(d *bellwether.Dataset) (*run, error) {
	q := d.Sequences
	if q == nil || len(q.Items) == 0 {
		return nil, fmt.Errorf("sequence: training: the data set has no sequences")
	}
	settings, err := tr.settings(q)
	if err != nil {
		return nil, err
	}
	r := &run{Trainer: tr, data: q, model: newModel(settings, vocabularyOf(q), tr.Seed)}
	if r.loss, err = settings.loss(len(q.Items)); err != nil {
		return nil, err
	}
	if err := r.choosePeople(); err != nil {
		return nil, err
	}
	r.model.count(r.countItems())
	r.learnPrices(q.Categories, r.trained())
	if tr.Warm != nil {
		r.model.warm(tr.Warm)
	}
	return r, nil
}

// said are the settings before the data complete them.
func (tr Trainer) said() (Settings, error) {
	if tr.Settings != nil {
		return *tr.Settings, nil
	}
	return Preset(tr.Preset)
}

func (tr Trainer) settings(q *bellwether.Sequences) (Settings, error) {
	s, err := tr.said()
	if err != nil {
		return s, err
	}
	if err := s.check(); err != nil {
		return s, err
	}
	if s.Fields == nil {
		s.Fields, s.Content = chooseFields(q), true
	}
	if s.Tasks == nil {
		s.Tasks = chooseTasks(q, s.Fields)
	}
	if s.Content = s.Content && len(q.Content) > 0; s.Content && len(q.Content)%len(q.Items) != 0 {
		return s, fmt.Errorf("sequence: training: %d numbers are not content vectors of %d items", len(q.Content), len(q.Items))
	}
	if s.Length == 0 {
		s.Length = chooseLength(q.TrainEnd)
	}
	return s, s.checkTraining()
}

// chooseLength returns the least of 50, 100 and 200 that is enough for nine people in ten.
func chooseLength(trainEnd []int) int {
	sorted := slices.Sorted(slices.Values(trainEnd))
	most := sorted[len(sorted)*9/10]
	switch {
	case most <= 50:
		return 50
	case most <= 100:
		return 100
	}
	return 200
}

// run is one training run.
type run struct {
	Trainer
	data   *bellwether.Sequences
	model  *Model
	loss   nn.NextItem
	people []int32 // with at least two training steps
	order  []int32 // of the epoch
	epoch  int
	stream *Stream // instead of data and people

	persons  []Person // of the batch
	deletion deletion
	pass     nn.Pass
	tokens   tokens
	part     tokens // of them, that go through the network together
}

// choosePeople checks the sequences and keeps those from which something can be learned.
func (r *run) choosePeople() error {
	q := r.data
	if len(q.Steps) != len(q.TrainEnd) {
		return fmt.Errorf("sequence: training: %d sequences but %d ends of their training parts", len(q.Steps), len(q.TrainEnd))
	}
	for p, steps := range q.Steps {
		if err := r.model.check(steps, true); err != nil {
			return fmt.Errorf("sequence: training: person %d: %w", p, err)
		}
		end := q.TrainEnd[p]
		if end < 0 || end > len(steps) {
			return fmt.Errorf("sequence: training: person %d has %d steps, of which %d are for training", p, len(steps), end)
		}
		if end >= 2 {
			r.people = append(r.people, int32(p))
		}
	}
	if len(r.people) == 0 {
		return fmt.Errorf("sequence: training: nobody has two events to learn from")
	}
	r.order, r.epoch = make([]int32, len(r.people)), -1
	return nil
}

// countItems returns how many training events each item has.
func (r *run) countItems() []float64 {
	counts := make([]float64, len(r.model.items))
	for _, steps := range r.trained() {
		countSteps(counts, steps)
	}
	return counts
}

// trained are the steps that may be learned from, by person.
func (r *run) trained() [][]bellwether.Step {
	out := make([][]bellwether.Step, len(r.data.Steps))
	for p, steps := range r.data.Steps {
		out[p] = steps[:r.data.TrainEnd[p]]
	}
	return out
}

// learnPrices gives the model the bounds of the prices of steps, if it looks at prices.
func (r *run) learnPrices(categories []string, steps [][]bellwether.Step) {
	if r.model.settings.looksAt("price") {
		r.model.prices = learnPrices(categories, steps)
	}
}

func countSteps(counts []float64, steps []bellwether.Step) {
	for _, s := range steps {
		if s.Item >= 0 {
			counts[s.Item]++
		}
	}
}

// count sets the popularity that people without history are scored by, and which
// items have hashed rows only.
func (m *Model) count(counts []float64) {
	var total float64
	for _, c := range counts {
		total += c
	}
	for i, c := range counts {
		m.popularity[i] = float32(math.Log((c + .1) / (total + .1*float64(len(counts)))))
	}
	if h := m.embedding.hashed; h != nil && h.Own > 0 {
		m.own = h.frequent(counts)
		h.give(m.own)
	}
}

func (r *run) plan(d *bellwether.Dataset, report func(bellwether.Progress)) (*nn.Fit, error) {
	fit, err := r.fit(report)
	if err != nil {
		return nil, err
	}
	fit.Patience = max(r.Patience, 0)
	if r.Patience == 0 {
		fit.Patience = 8
	}
	if len(r.data.Validation) > 0 {
		v, err := newValidation(r.model, r.data)
		if err != nil {
			return nil, err
		}
		if len(v.targets) > 0 {
			fit.Validate, fit.Steps = v.ndcg, r.stepsBetween(len(v.targets))
		}
	}
	if fit.Epochs == 0 && r.Minutes == 0 && (fit.Validate == nil || fit.Patience == 0) {
		fit.Epochs = 40
	}
	rounds := (r.batches() + mostBatches - 1) / mostBatches
	fit.Batches, fit.Batch = (r.batches()+rounds-1)/rounds, r.batch
	fit.Epochs, fit.Patience = fit.Epochs*rounds, fit.Patience*rounds
	fit.Every = fit.Budget / 60
	fit.Identity, err = r.identity(d.Digest, len(r.people), r.data.Count())
	return fit, err
}

// fit is what runs on all data have in common.
func (r *run) fit(report func(bellwether.Progress)) (*nn.Fit, error) {
	s, params := &r.model.settings, r.model.params
	optimizer, err := s.optimizer(params)
	if err != nil {
		return nil, err
	}
	fit := &nn.Fit{
		Name: Family, Params: params, Optimizer: optimizer,
		Schedule: nn.Schedule{Peak: s.Rate, Warmup: s.Warmup}, Clip: s.Clip, Accumulate: s.Accumulate,
		Epochs: r.Epochs, Budget: time.Duration(r.Minutes * float64(time.Minute)),
		Checkpoint: r.Checkpoint, Clock: r.Clock, Report: report,
	}
	if s.Average > 0 {
		fit.Average = nn.NewAverage(params, s.Average)
	}
	if fit.Clock == nil {
		fit.Clock = time.Now
	}
	r.pass.Random.Seed = r.Seed
	return fit, nil
}

// identity names what a checkpoint depends on: settings, seed, vocabulary and data.
func (r *run) identity(data ...any) (string, error) {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode([]any{r.model.settings, r.Seed, r.model.items, r.model.types, r.model.channels, r.model.campaigns, data}); err != nil {
		return "", fmt.Errorf("sequence: naming the run: %w", err)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// leastSteps is the least number of steps between two validations: fewer move the weights too little for a figure to say which are better.
const leastSteps = 200

// stepsBetween is how many steps lie between two validations of so many people, so that these take a tenth of the time at most: a person is
// one forward pass and all items, in a step three such passes and the items of the loss at each event. It doesn't look at the clock, so that
// the same data and seed give the same model.
func (r *run) stepsBetween(validated int) int {
	s := &r.model.settings
	each := 1.0
	if s.Loss != "full" {
		each = max(1, float64(len(r.model.items))/float64(s.Length*max(s.Negatives, 1)))
	}
	return max(leastSteps, int(math.Ceil(3*each*float64(validated)/float64(s.Batch*max(1, s.Accumulate)))))
}

// mostBatches is the number of batches after which an epoch of many is cut, so that it is validated and kept meanwhile.
const mostBatches = 1000

// batches is the number of batches that all people are.
func (r *run) batches() int {
	size := r.model.settings.Batch
	return (len(r.people) + size - 1) / size
}

// batch runs one forward and backward pass, number pass from 1, over the next people.
func (r *run) batch(_, _, pass int) (float64, error) {
	epoch, batch := (pass-1)/r.batches(), (pass-1)%r.batches()
	if r.epoch != epoch {
		copy(r.order, r.people)
		rand.New(rand.NewPCG(r.Seed, uint64(epoch))).Shuffle(len(r.order), func(i, j int) {
			r.order[i], r.order[j] = r.order[j], r.order[i]
		})
		r.epoch = epoch
	}
	size := r.model.settings.Batch
	r.persons = r.persons[:0]
	for _, p := range r.order[batch*size : min(len(r.order), (batch+1)*size)] {
		r.persons = append(r.persons, r.person(p))
	}
	learned := r.pack(r.persons, pass)
	if learned == 0 {
		return 0, nil
	}
	return r.forwardBackward(pass, learned), nil
}

// person is the training part of a person of the data.
func (r *run) person(p int32) Person {
	q, one := r.data, Person{}
	one.Steps = q.Steps[p][:q.TrainEnd[p]]
	if int(p) < len(q.People) {
		one.ID = q.People[p]
	}
	return one
}

// forwardBackward adds to the gradients of the mean loss of tokens, of which
// learned have a target, and returns that loss. Tokens go through the network in
// parts, but all together where experts choose among them.
func (r *run) forwardBackward(pass, learned int) float64 {
	p, t := &r.pass, &r.tokens
	p.Train, p.Random.Step = true, uint32(pass)
	loss, from := 0.0, 0
	for first, part := 0, uint64(0); first < len(t.offsets)-1; part++ {
		p.Random.Seed = r.Seed + part<<32
		first = t.part(&r.part, first, r.model.settings.Experts > 1)
		loss += r.learn(&r.part, from, learned)
		from += len(r.part.targets)
	}
	return loss
}

// learn is forwardBackward of the part of the tokens that begins at from.
func (r *run) learn(t *tokens, from, learned int) float64 {
	m, p := r.model, &r.pass
	p.Begin(len(t.targets), t.offsets)
	h := m.norm.Forward(p, m.blocks.Forward(p, m.embedding.Forward(p, t.ids, t.people...)))
	dh := p.Buffer(len(h))
	loss, scale := 0.0, 1/float32(learned)
	if hashed := m.embedding.hashed; hashed != nil {
		loss = hashed.loss(p, r.loss, dh, h, t.targets, scale)
	} else {
		loss = r.loss.Loss(p, dh, h, m.table, t.targets, scale)
	}
	for _, k := range m.tasks {
		loss += k.learn(p, dh, h, k.targets[from:from+p.Rows], k.weight/float32(len(k.targets)))
	}
	m.embedding.Backward(p, m.blocks.Backward(p, m.norm.Backward(p, dh)))
	return loss
}

// pack fills tokens with the latest training steps of people, but for those that
// Settings.Delete leaves out, and returns the number of items among their targets.
// A step's target is the next one that is kept; the tasks ask about the next one
// that there was, so that no wait is longer than it was. Every other person goes
// without a name, so that people without one can be scored (as DropoutNet does
// with what is cold, Volkovs et al. 2017).
func (r *run) pack(people []Person, pass int) int {
	m, t := r.model, &r.tokens
	s := &m.settings
	t.reset(len(s.Fields))
	for _, k := range m.tasks {
		k.targets = k.targets[:0]
	}
	learned := 0
	for place, p := range people {
		steps, places := r.deletion.apply(p.Steps, s.Delete, r.Seed, pass, place)
		window, before := latest(steps[:len(steps)-1], s.Length)
		t.append(m, window, before)
		if h := m.embedding.hashed; h != nil && h.People {
			if (pass+place)%2 != 0 {
				p.ID = ""
			}
			t.name(h.person(p.ID))
		}
		for i := len(steps) - len(window); i < len(steps); i++ {
			t.targets = append(t.targets, steps[i].Item)
			if steps[i].Item >= 0 {
				learned++
			}
			at := places[i-1]
			for _, k := range m.tasks {
				k.targets = append(k.targets, k.answer(&p.Steps[at], &p.Steps[at+1]))
			}
		}
	}
	return learned
}
