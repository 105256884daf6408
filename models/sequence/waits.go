package sequence

import (
	"context"
	"math"
	"math/rand/v2"

	"bellwether"
	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// gap is a person's wait after one step: it ended with the next step, or is open when the data end.
type gap struct {
	person int32
	start  int64 // Unix seconds
	length int64 // seconds until the next step, or until the data end
	room   int64 // seconds until the data end: what could have been seen
	closed bool
}

// gaps are waits with the model's state when each began.
type gaps struct {
	rows   []gap
	states []float32 // [rows, dim]
}

// mostStates bounds the memory of states: 64 MiB.
const mostStates = 1 << 24

// gapsOf returns the waits after all steps of people until the data end; of more than memory holds, those of people evenly spread. Whoever
// came once and never again is there, too: leaving them out makes everybody come back.
func (r *run) gapsOf(ctx context.Context, end int64) (*gaps, error) {
	m, g := r.model, &gaps{}
	tokens := 0
	for _, steps := range r.data.Steps {
		tokens += len(steps)
	}
	every := 1 + tokens*m.settings.Dim/mostStates
	for first := 0; first < len(r.data.Steps); first += every * 64 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var people []int32
		for p := first; p < len(r.data.Steps) && len(people) < 64; p += every {
			if len(r.data.Steps[p]) > 0 {
				people = append(people, int32(p))
			}
		}
		r.addGaps(g, people, end)
	}
	return g, nil
}

// addGaps adds those of a few people.
func (r *run) addGaps(g *gaps, people []int32, end int64) {
	m, t := r.model, &r.tokens
	if len(people) == 0 {
		return
	}
	t.reset(len(m.settings.Fields))
	var rows []gap
	for _, p := range people {
		steps := r.data.Steps[p]
		for from := 0; from == 0 || from < len(steps); { // windows that overlap by half: each state but the first ones follows half a window at least
			first := max(0, from-m.settings.Length/2)
			window, before := latest(steps[:min(first+m.settings.Length, len(steps))], min(m.settings.Length, len(steps)-first))
			t.append(m, window, before)
			if h := m.embedding.hashed; h != nil && h.People {
				t.name(h.person(r.person(p).ID))
			}
			for i := range window {
				w := gap{person: p, start: window[i].Time, room: end - window[i].Time, length: end - window[i].Time}
				if next := first + i + 1; next < len(steps) {
					w.length, w.closed = steps[next].Time-w.start, true
				}
				if w.room <= 0 || w.length > w.room || first+i < from {
					w.room = 0
				}
				rows = append(rows, w)
			}
			from = first + len(window)
		}
	}
	r.pass.Train = false
	r.pass.Begin(len(t.ids[0]), t.offsets)
	h := m.norm.Forward(&r.pass, m.blocks.Forward(&r.pass, m.embedding.Forward(&r.pass, t.ids, t.people...)))
	d := m.settings.Dim
	for i, w := range rows {
		if w.room > 0 {
			g.rows, g.states = append(g.rows, w), append(g.states, h[i*d:(i+1)*d]...)
		}
	}
}

// likelihood returns minus the log likelihood of a gap under the hazards of logits x, and sets dx to its gradient. Within a bucket the
// hazard is constant in time, and its integral over the whole bucket softplus(x) (Kvamme and Borgan 2021, the piecewise constant
// hazard), so that a gap that is still open counts for as long as it was seen, and one that ended could have been seen to end until the data do.
func (w *gap) likelihood(dx, x []float32) float64 {
	clear(dx)
	last := int(power(w.length, waitBuckets))
	var loss float64
	for j := range last {
		loss += softplus(x[j])
		dx[j] = sigmoid(x[j])
	}
	until := w.room
	if !w.closed {
		until = w.length
	}
	seen := (float64(until) - bucketStart(last)) / (bucketStart(last+1) - bucketStart(last))
	seen = min(max(seen, 1e-3), 1)
	hazard := seen * softplus(x[last])
	if !w.closed {
		dx[last] = float32(seen) * sigmoid(x[last])
		return loss + hazard
	}
	dx[last] = -float32(seen/math.Expm1(hazard)) * sigmoid(x[last])
	return loss - math.Log(-math.Expm1(-hazard))
}

func softplus(x float32) float64 {
	v := float64(x)
	return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v)))
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

// heldOut tells whether a person's gaps judge the head and do not fit it: every fifth does.
func heldOut(person int32) bool { return mixed(uint64(person))%5 == 0 }

func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}

const (
	headEpochs = 40
	headRate   = 1e-2 // halved when those who are held out are no better predicted
)

// fitWaits fits the head of waits to all gaps, the open ones included, from states that stay as they are. The batches of training only
// have gaps that ended before a person's last steps, which are held out: whoever learns from those alone believes that everybody comes back.
func (t *task) fitWaits(ctx context.Context, g *gaps, dim int, seed uint64) error {
	h := &head{layer: t.layer, dim: dim}
	var fit, judge []int32
	for i := range g.rows {
		if heldOut(g.rows[i].person) {
			judge = append(judge, int32(i))
		} else {
			fit = append(fit, int32(i))
		}
	}
	if len(fit) == 0 || len(judge) == 0 {
		fit, judge = append(fit, judge...), append(fit, judge...)
	}
	best, kept := h.loss(g, judge), h.copy()
	batch, rng := min(max(len(fit)/64, 32), 1024), rand.New(rand.NewPCG(seed, 0x77616974))
	h.rate = headRate
	for epoch := 0; epoch < headEpochs && h.rate > headRate/64; epoch++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		rng.Shuffle(len(fit), func(i, j int) { fit[i], fit[j] = fit[j], fit[i] })
		for first := 0; first < len(fit); first += batch {
			h.step(g, fit[first:min(first+batch, len(fit))])
		}
		if loss := h.loss(g, judge); loss < best {
			best, kept = loss, h.copy()
			continue
		}
		h.set(kept)
		h.rate /= 2
	}
	return nil
}

// head is a linear layer from states to the logits of hazards, and Adam's state for it.
type head struct {
	layer        *nn.Dense
	dim, steps   int
	rate         float64
	x, dx, rows  []float32
	grad         []float32 // of weights, then biases
	mean, square []float32
}

// logits returns those of some rows, [rows, buckets].
func (h *head) logits(g *gaps, rows []int32) []float32 {
	h.rows = h.rows[:0]
	for _, i := range rows {
		h.rows = append(h.rows, g.states[int(i)*h.dim:(int(i)+1)*h.dim]...)
	}
	if n := len(rows) * waitBuckets; cap(h.x) < n {
		h.x, h.dx = make([]float32, n), make([]float32, n)
	}
	h.x, h.dx = h.x[:len(rows)*waitBuckets], h.dx[:len(rows)*waitBuckets]
	tensor.MatMulTB(h.x, h.rows, h.layer.Weight.Value, len(rows), waitBuckets, h.dim, tensor.Tail{Bias: h.layer.Bias.Value})
	return h.x
}

// loss is the mean over some rows.
func (h *head) loss(g *gaps, rows []int32) float64 {
	var sum float64
	dx := make([]float32, waitBuckets)
	for first := 0; first < len(rows); first += 1024 {
		part := rows[first:min(first+1024, len(rows))]
		x := h.logits(g, part)
		for k, i := range part {
			sum += g.rows[i].likelihood(dx, x[k*waitBuckets:(k+1)*waitBuckets])
		}
	}
	return sum / float64(max(len(rows), 1))
}

// step is one of Adam's.
func (h *head) step(g *gaps, rows []int32) {
	x := h.logits(g, rows)
	for k, i := range rows {
		at := k * waitBuckets
		g.rows[i].likelihood(h.dx[at:at+waitBuckets], x[at:at+waitBuckets])
	}
	weights := h.layer.Weight.Value
	if h.grad == nil {
		n := len(weights) + waitBuckets
		h.grad, h.mean, h.square = make([]float32, n), make([]float32, n), make([]float32, n)
	}
	clear(h.grad)
	tensor.MatMulTA(h.grad[:len(weights)], h.dx, h.rows, waitBuckets, h.dim, len(rows), tensor.Tail{})
	tensor.AddRows(h.grad[len(weights):], h.dx, len(rows), waitBuckets)
	h.steps++
	scale := 1 / float32(len(rows))
	for i, v := range h.grad {
		v *= scale
		h.mean[i] += .1 * (v - h.mean[i])
		h.square[i] += .001 * (v*v - h.square[i])
	}
	rate := h.rate / (1 - math.Pow(.9, float64(h.steps)))
	root := 1 / math.Sqrt(1-math.Pow(.999, float64(h.steps)))
	for i := range h.grad {
		d := float32(rate * float64(h.mean[i]) / (root*math.Sqrt(float64(h.square[i])) + 1e-8))
		if i < len(weights) {
			weights[i] -= d
		} else {
			h.layer.Bias.Value[i-len(weights)] -= d
		}
	}
}

func (h *head) copy() []float32 {
	return append(append([]float32(nil), h.layer.Weight.Value...), h.layer.Bias.Value...)
}

func (h *head) set(values []float32) {
	copy(h.layer.Bias.Value, values[copy(h.layer.Weight.Value, values):])
}

// dataEnd is the moment until which a dataset knows what people did.
func dataEnd(d *bellwether.Dataset) int64 {
	end := int64(0)
	if !d.AsOf.IsZero() {
		end = d.AsOf.Unix()
	}
	for _, steps := range d.Sequences.Steps {
		if n := len(steps); n > 0 {
			end = max(end, steps[n-1].Time)
		}
	}
	return end
}
