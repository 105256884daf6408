package tensor

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"bellwether/tensor/internal/reference"
)

func TestMove(t *testing.T) {
	step := AdamStep{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Decay: 0.99, Rate: 0.1, Root: 1.3}
	eachLevel(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 7, 8, 15, 16, 33, 100, 1 << 17} {
			for _, withMean := range []bool{true, false} {
				grad := random(n, 1)
				want, got := moved(n, withMean), moved(n, withMean)
				reference.Adam(reference.AdamStep(step), want.value, grad, want.mean, want.square)
				step.Move(got.value, grad, got.mean, got.square)
				got.near(t, fmt.Sprintf("Adam of %d", n), want)
			}
			want, got, grad := moved(n, false), moved(n, false), random(n, 1)
			reference.AdaGrad(0.1, 1e-10, want.value, grad, want.square)
			AdaGradStep{Rate: 0.1, Epsilon: 1e-10}.Move(got.value, grad, got.square)
			got.near(t, fmt.Sprintf("AdaGrad of %d", n), want)
		}
	})
}

func TestMoveRows(t *testing.T) {
	const rows = 3000
	step, ada := AdamStep{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Decay: 0.99, Rate: 0.1, Root: 1.3}, AdaGradStep{Rate: 0.1, Epsilon: 1e-10}
	r := reference.AdamStep(step)
	eachLevel(t, func(t *testing.T) {
		for _, width := range []int{1, 5, 16, 64} {
			for _, count := range []int{0, 1, 20, 1500} {
				ids := make([]int32, count)
				for i, id := range rand.New(rand.NewPCG(1, 2)).Perm(rows)[:count] {
					ids[i] = int32(id)
				}
				grad := random(count*width, 1)
				for _, withMean := range []bool{true, false} {
					want, got := moved(rows*width, withMean), moved(rows*width, withMean)
					wantRow, gotRow := moved(rows*width, withMean), moved(rows*width, withMean)
					for i, id := range ids {
						at, g := int(id)*width, grad[i*width:(i+1)*width]
						one, row := want.part(at, width), wantRow.part(at, width)
						reference.Adam(r, one.value, g, one.mean, one.square)
						reference.AdamRow(r, row.value, g, row.mean, &wantRow.square[id])
					}
					step.MoveRows(got.value, grad, got.mean, got.square, ids, width)
					step.MoveRowWise(gotRow.value, grad, gotRow.mean, gotRow.square, ids, width)
					what := fmt.Sprintf("%d rows of %d, mean %v", count, width, withMean)
					got.near(t, "Adam, "+what, want)
					gotRow.near(t, "row-wise Adam, "+what, wantRow)
				}
				want, got, wantRow, gotRow := moved(rows*width, false), moved(rows*width, false), moved(rows*width, false), moved(rows*width, false)
				for i, id := range ids {
					at, g := int(id)*width, grad[i*width:(i+1)*width]
					one := want.part(at, width)
					reference.AdaGrad(ada.Rate, ada.Epsilon, one.value, g, one.square)
					reference.AdaGradRow(ada.Rate, ada.Epsilon, wantRow.value[at:at+width], g, &wantRow.square[id])
				}
				ada.MoveRows(got.value, grad, got.square, ids, width)
				ada.MoveRowWise(gotRow.value, grad, gotRow.square, ids, width)
				got.near(t, "AdaGrad", want)
				gotRow.near(t, "row-wise AdaGrad", wantRow)
			}
		}
	})
}

// parameters is a value with the state of its optimiser.
type parameters struct{ value, mean, square []float32 }

func moved(n int, withMean bool) parameters {
	p := parameters{value: random(n, 2), square: random(n, 3)}
	Mul(p.square, p.square, p.square)
	if withMean {
		p.mean = random(n, 4)
	}
	return p
}

func (p parameters) part(at, n int) parameters {
	out := parameters{value: p.value[at : at+n], square: p.square[at : at+n]}
	if p.mean != nil {
		out.mean = p.mean[at : at+n]
	}
	return out
}

func (p parameters) near(t *testing.T, what string, want parameters) {
	t.Helper()
	near(t, what+": value", p.value, want.value, 1, 5e-6)
	near(t, what+": mean", p.mean, want.mean, 1, 1e-6)
	near(t, what+": square", p.square, want.square, 1e-3, 1e-6)
}

func TestGatherAndScatterAddRows(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		const rows, width = 50, 13
		table := random(rows*width, 1)
		ids := []int32{3, -1, 49, 3, 0, 7, 8, 9, 10, -1, 3, 11}
		got, want := random(len(ids)*width, 2), make([]float32, len(ids)*width)
		wantTable, x := random(rows*width, 1), random(len(ids)*width, 3)
		for i, id := range ids {
			for j := 0; id >= 0 && j < width; j++ {
				want[i*width+j] = table[int(id)*width+j]
				wantTable[int(id)*width+j] += x[i*width+j]
			}
		}
		GatherRows(got, table, ids, width)
		near(t, "GatherRows", got, want, 0, 0)
		ScatterAddRows(table, x, ids, width)
		near(t, "ScatterAddRows", table, wantTable, 0, 0)
	})
}

func TestParallel(t *testing.T) {
	var done [1000]atomic.Int32
	Parallel(len(done), func(part int) { done[part].Add(1) })
	for i := range done {
		if done[i].Load() != 1 {
			t.Fatalf("part %d was done %d times", i, done[i].Load())
		}
	}
}

func TestUpdatesAllocateNothing(t *testing.T) {
	p, grad, ids := moved(1<<17, true), random(1<<17, 1), []int32{5, 3, 9}
	step := AdamStep{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Decay: 1, Rate: 0.1, Root: 1}
	run := func() {
		step.Move(p.value, grad, p.mean, p.square)
		step.MoveRowWise(p.value, grad, p.mean, p.square, ids, 64)
	}
	run()
	if allocs := testing.AllocsPerRun(20, run); allocs != 0 {
		t.Errorf("a step allocates %v times", allocs)
	}
}

func BenchmarkMoveRows(b *testing.B) {
	const rows, width, count = 1_000_000, 64, 8192
	value, mean, square, grad, ids := make([]float32, rows*width), make([]float32, rows*width), make([]float32, rows), random(count*width, 1), make([]int32, count)
	for i, id := range rand.New(rand.NewPCG(1, 2)).Perm(rows)[:count] {
		ids[i] = int32(id)
	}
	for i := range value {
		value[i], mean[i] = 1, 1 // so that every page is there
	}
	step := AdamStep{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Decay: 1, Rate: 1e-3, Root: 1}
	b.Run("AdamRowWise/8192of1000000x64", func(b *testing.B) {
		for b.Loop() {
			step.MoveRowWise(value, grad, mean, square, ids, width)
		}
	})
	b.Run("AdaGradRowWise/8192of1000000x64", func(b *testing.B) {
		for b.Loop() {
			AdaGradStep{Rate: 0.1, Epsilon: 1e-10}.MoveRowWise(value, grad, square, ids, width)
		}
	})
	b.Run("Adam/524288", func(b *testing.B) {
		b.SetBytes(count * width * 4)
		for b.Loop() {
			step.Move(value[:count*width], grad, mean[:count*width], mean[count*width:2*count*width])
		}
	})
}
