package nn

import (
	"hash/fnv"
	"math"

	"bellwether/tensor"
)

// Builder makes layers: it names their parameters, draws their first values and
// numbers the dropouts. The values follow from the seed and the name alone.
type Builder struct {
	prefix string
	shared *built
}

type built struct {
	seed     uint64
	values   *Memory
	training *Memory
	file     *Weights // where values come from; nil: they are drawn
	missing  error    // the first array that the file lacks
	params   Params
	dropouts uint32
	unpacked bool // layers are part of experts
}

// NewBuilder returns a Builder whose weights follow from seed.
func NewBuilder(seed uint64) *Builder { return &Builder{shared: &built{seed: seed}} }

// In puts the weights that are made from now on into memory that the caller
// releases, and what training needs beside them, gradients and the state of
// optimisers, into another.
func (b *Builder) In(values, training *Memory) *Builder {
	b.shared.values, b.shared.training = values, training
	return b
}

// NewLoader returns a Builder whose weights are the arrays of w themselves. They
// have no gradients: the network is for answers only. Err says, once all is
// built, what w lacks.
func NewLoader(w *Weights) *Builder { return &Builder{shared: &built{file: w}} }

// Err returns the first parameter that did not fit the file of a loader.
func (b *Builder) Err() error { return b.shared.missing }

// Within returns a Builder whose names begin with name and a dot.
func (b *Builder) Within(name string) *Builder {
	return &Builder{prefix: b.prefix + name + ".", shared: b.shared}
}

// Params lists what was built so far, in that order.
func (b *Builder) Params() Params { return b.shared.params }

// Param makes a parameter.
func (b *Builder) Param(name string, fill Init, shape ...int) *Param {
	p := b.bare(name, fill, shape)
	if b.shared.file == nil {
		p.Grad = b.shared.training.Floats(len(p.Value))
	}
	return p
}

// Table makes a sparse parameter [rows, width]: its gradient holds touched rows only.
func (b *Builder) Table(name string, fill Init, rows, width int) *Param {
	p := b.bare(name, fill, []int{rows, width})
	p.touched = new(touchedRows)
	return p
}

func (b *Builder) bare(name string, fill Init, shape []int) *Param {
	p := &Param{Name: b.prefix + name, Shape: shape, training: b.shared.training}
	b.shared.params = append(b.shared.params, p)
	if b.shared.file != nil {
		if err := (Params{p}).each(b.shared.file, func(p *Param, a *Array) { p.Value = a.Floats }); err != nil && b.shared.missing == nil {
			b.shared.missing = err
		}
		return p
	}
	n, _ := elements(shape)
	p.Value = b.shared.values.Floats(n)
	h := fnv.New32a()
	h.Write([]byte(p.Name))
	fill(p.Value, tensor.Stream{Seed: b.shared.seed, Step: math.MaxUint32, Layer: h.Sum32()})
	return p
}

// Init sets a parameter's first values from a stream of random bits.
type Init func(dst []float32, s tensor.Stream)

// Constant fills with v.
func Constant(v float32) Init {
	return func(dst []float32, _ tensor.Stream) {
		for i := range dst {
			dst[i] = v
		}
	}
}

// Uniform draws from [−limit, limit).
func Uniform(limit float64) Init {
	return func(dst []float32, s tensor.Stream) {
		draw(dst, s, func(u, _ float64) float64 { return (2*u - 1) * limit })
	}
}

// Normal draws from N(0, std²) (Box and Muller 1958).
func Normal(std float64) Init {
	return func(dst []float32, s tensor.Stream) {
		draw(dst, s, func(u, v float64) float64 { return std * math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v) })
	}
}

// draw sets each value from two uniform numbers of (0, 1).
func draw(dst []float32, s tensor.Stream, value func(u, v float64) float64) {
	const perPart = 1 << 16
	tensor.Parallel((len(dst)+perPart-1)/perPart, func(part int) {
		var bits [128]uint32
		end := min(len(dst), (part+1)*perPart)
		for start := part * perPart; start < end; start += len(bits) / 2 {
			s.Bits(bits[:], uint64(2*start))
			few := dst[start:min(end, start+len(bits)/2)]
			for i := range few {
				few[i] = float32(value(unit(bits[2*i]), unit(bits[2*i+1])))
			}
		}
	})
}

func unit(word uint32) float64 { return (float64(word) + .5) / (1 << 32) }
