package sequence

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"bellwether"
	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// waitBuckets is the number of buckets of the time to the next event: bucket 0
// is less than a second, bucket j ends before 2ʲ seconds.
const waitBuckets = 32

// A taskKind is a question beside the next item that a head answers from the
// state after each event (docs/science.md §2).
type taskKind struct {
	classes func(types int) int
	answer  func(s, next *bellwether.Step) int32
	loss    func(dx, x []float32, targets []int32, classes int, scale float32) float64
}

// taskKinds are the next event's type, and the time to it as a discrete hazard.
var taskKinds = map[string]taskKind{
	"type": {
		classes: func(types int) int { return max(types, 1) },
		answer:  func(_, next *bellwether.Step) int32 { return int32(next.Type) },
		loss:    nn.CrossEntropy,
	},
	"wait": {
		classes: func(int) int { return waitBuckets },
		answer:  func(s, next *bellwether.Step) int32 { return power(next.Time-s.Time, waitBuckets) },
		loss:    nn.Hazard,
	},
}

// task is a head of a model.
type task struct {
	taskKind
	name    string
	weight  float32
	size    int
	layer   *nn.Dense
	targets []int32 // by token of the batch
}

func newTasks(b *nn.Builder, s Settings, types int) []*task {
	var out []*task
	for _, name := range slices.Sorted(maps.Keys(s.Tasks)) {
		t := &task{taskKind: taskKinds[name], name: name, weight: s.Tasks[name]}
		t.size = t.classes(types)
		t.layer = b.Dense("tasks."+name, s.Dim, t.size, tensor.Identity)
		out = append(out, t)
	}
	return out
}

// learn adds the task's gradients for the states h, [tokens, dim], to dh and
// returns its loss: scale times the sum over the tokens.
func (t *task) learn(p *nn.Pass, dh, h []float32, targets []int32, scale float32) float64 {
	x := t.layer.Forward(p, h)
	dx := p.Buffer(len(x))
	loss := t.loss(dx, x, targets, t.size, scale)
	tensor.Add(dh, dh, t.layer.Backward(p, dx))
	return loss
}

// Forecast is what a model expects after a history, by its tasks.
type Forecast struct {
	Types []float64 // probability of each of Model.Types for the next event; nil without the task "type"
	Waits []float64 // Waits[0]: probability that it comes within a second, Waits[j]: after 2^(j−1) and before 2^j seconds, the last: later; nil without "wait"
}

// Types is the vocabulary of Forecast.Types.
func (m *Model) Types() []bellwether.EventType { return m.types }

// Forecast answers the model's tasks for each history; one without events gets a
// zero Forecast.
func (m *Model) Forecast(ctx context.Context, histories [][]bellwether.Step) ([]Forecast, error) {
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	out := make([]Forecast, len(histories))
	for i, h := range histories {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(h) == 0 {
			continue
		}
		window, before := latest(h, m.settings.Length)
		if err := m.check(window, true); err != nil {
			return nil, fmt.Errorf("sequence: forecast of history %d: %w", i, err)
		}
		s.tokens.reset(len(m.settings.Fields))
		s.tokens.append(m, window, before)
		state := m.lastStates(&s.pass, &s.tokens)
		for _, t := range m.tasks {
			x := t.layer.Forward(&s.pass, state)[:t.size]
			if t.name == "type" {
				out[i].Types = shares(x)
			} else {
				out[i].Waits = waits(x)
			}
		}
	}
	return out, nil
}

// shares is the softmax of logits.
func shares(x []float32) []float64 {
	lse, out := float64(tensor.LogSumExp(x)), make([]float64, len(x))
	for i, v := range x {
		out[i] = math.Exp(float64(v) - lse)
	}
	return out
}

// waits turns the logits of hazards into the probability of each bucket; what is
// left after the last belongs to it.
func waits(x []float32) []float64 {
	out, waiting := make([]float64, len(x)), 1.0
	for j, v := range x {
		hazard := 1 / (1 + math.Exp(-float64(v)))
		out[j] = waiting * hazard
		waiting -= out[j]
	}
	out[len(out)-1] += waiting
	return out
}
