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
	params   Params
	dropouts uint32
}

// NewBuilder returns a Builder whose weights follow from seed.
func NewBuilder(seed uint64) *Builder { return &Builder{shared: &built{seed: seed}} }

// Within returns a Builder whose names begin with name and a dot.
func (b *Builder) Within(name string) *Builder {
	return &Builder{prefix: b.prefix + name + ".", shared: b.shared}
}

// Params lists what was built so far, in that order.
func (b *Builder) Params() Params { return b.shared.params }

// Param makes a parameter.
func (b *Builder) Param(name string, fill Init, shape ...int) *Param {
	p := b.bare(name, fill, shape)
	p.Grad = make([]float32, len(p.Value))
	return p
}

// Table makes a sparse parameter [rows, width]: its gradient holds touched rows only.
func (b *Builder) Table(name string, fill Init, rows, width int) *Param {
	p := b.bare(name, fill, []int{rows, width})
	p.touched = &touchedRows{slot: make([]int32, rows)}
	return p
}

func (b *Builder) bare(name string, fill Init, shape []int) *Param {
	n := 1
	for _, s := range shape {
		n *= s
	}
	p := &Param{Name: b.prefix + name, Shape: shape, Value: make([]float32, n)}
	h := fnv.New32a()
	h.Write([]byte(p.Name))
	fill(p.Value, tensor.Stream{Seed: b.shared.seed, Step: math.MaxUint32, Layer: h.Sum32()})
	b.shared.params = append(b.shared.params, p)
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
	var bits [128]uint32
	for start := 0; start < len(dst); start += len(bits) / 2 {
		s.Bits(bits[:], uint64(2*start))
		part := dst[start:min(len(dst), start+len(bits)/2)]
		for i := range part {
			part[i] = float32(value(unit(bits[2*i]), unit(bits[2*i+1])))
		}
	}
}

func unit(word uint32) float64 { return (float64(word) + .5) / (1 << 32) }
