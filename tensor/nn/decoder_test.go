package nn

import (
	"fmt"
	"math"
	"testing"
)

// lastOf is the plain form of Decoder.Forward: a whole pass, of which the last rows are kept.
func lastOf(l Layer, x []float32, width int, offsets []int32) []float32 {
	p := &Pass{}
	p.Begin(len(x)/width, offsets)
	return p.lastRows(l.Forward(p, x), width)
}

func far(a, b []float32) float64 {
	worst := math.Abs(float64(len(a) - len(b)))
	for i := range min(len(a), len(b)) {
		worst = max(worst, math.Abs(float64(a[i]-b[i])))
	}
	return worst
}

const decoderWidth = 24

func decoderBlocks() map[string]Sequential {
	out := map[string]Sequential{}
	for name, o := range map[string]BlockOptions{
		"plain":   {Heads: 1},
		"ligr":    {Heads: 3, Gated: true, Dropout: .2},
		"modern":  {Heads: 2, Gated: true, SwiGLU: true, RMSNorm: true},
		"experts": {Heads: 4, Experts: 5, Top: 2},
	} {
		o.Width = decoderWidth
		for blocks := range 4 {
			b := NewBuilder(7)
			s := Sequential{b.Dropout(.1)}
			for i := range blocks {
				s = append(s, b.Block(fmt.Sprint("blocks.", i), o))
			}
			b.Params().Pack()
			out[fmt.Sprint(name, blocks)] = s
		}
	}
	return out
}

// A Decoder gives what a whole pass gives, whether tokens come at once or a few
// at a time, also after some were taken back.
func TestDecoder(t *testing.T) {
	const w, tokens = decoderWidth, 75
	x := random(tokens*w, 1)
	for name, blocks := range decoderBlocks() {
		t.Run(name, func(t *testing.T) {
			d, p := NewDecoder(blocks), &Pass{}
			offsets := []int32{0, 1, 40, 42, tokens}
			p.Begin(tokens, offsets)
			if off := far(d.Forward(p, x, nil), lastOf(blocks, x, w, offsets)); off > 1e-5 || p.Rows != 4 {
				t.Errorf("four sequences are %g away, %d rows", off, p.Rows)
			}
			past, at := &Past{}, 0
			for _, count := range []int{3, 1, 1, 30, 2, -6, 1, 40} {
				if count < 0 {
					at += count
					past.Truncate(at)
					continue
				}
				p.Begin(count, []int32{0, int32(count)})
				got := d.Forward(p, x[at*w:(at+count)*w], past)
				at += count
				if off := far(got, lastOf(blocks, x[:at*w], w, []int32{0, int32(at)})); off > 1e-5 {
					t.Errorf("%d tokens, %d of them new: %g away", at, count, off)
				}
				if past.Tokens() != at {
					t.Errorf("past holds %d tokens, want %d", past.Tokens(), at)
				}
			}
		})
	}
}

func TestDecoderAllocatesNothing(t *testing.T) {
	const w = decoderWidth
	blocks, x := decoderBlocks()["ligr2"], random(50*w, 1)
	d, p, past, offsets := NewDecoder(blocks), &Pass{}, &Past{}, []int32{0, 0}
	step := func(from, to int) {
		past.Truncate(from)
		offsets[1] = int32(to - from)
		p.Begin(to-from, offsets)
		d.Forward(p, x[from*w:to*w], past)
	}
	step(0, 50)
	step(0, 50)
	if n := testing.AllocsPerRun(20, func() { step(49, 50); step(0, 50) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
