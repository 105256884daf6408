package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// touched are the rows of a table that a step uses.
const touched = 8192

// tables are steps of an embedding alone: rows looked up, the sum of their
// squares as the loss, and those rows moved by row-wise Adam.
func tables() []Case {
	var out []Case
	for _, rows := range []int{156_000, 4_000_000, 15_625_000} {
		out = append(out, Case{
			Name: fmt.Sprintf("RowWiseAdam/%dof%dx%d", touched, rows, width), Items: touched,
			Open: func(context.Context) (Run, error) { return newTable(rows), nil },
		})
	}
	return out
}

// table is such an embedding, in huge pages.
type table struct {
	step   repeat
	memory *nn.Memory
}

func newTable(rows int) *table {
	t := &table{memory: &nn.Memory{}}
	b := nn.NewBuilder(42).In(t.memory, t.memory)
	e := nn.Embedding{Width: width, Tables: []*nn.Param{b.Table("table", nn.Constant(.1), rows, width)}}
	params, rng := b.Params(), rand.New(rand.NewPCG(42, 0))
	adam := nn.NewAdam(params, nn.Adam{RowWise: true, Beta1: -1})
	ids, pass, step := make([]int32, touched), nn.Pass{Train: true}, 0
	t.step = func() {
		step++
		for i := range ids {
			ids[i] = rng.Int32N(int32(rows))
		}
		params.ZeroGrad()
		pass.Begin(touched, nil)
		y := e.Forward(&pass, [][]int32{ids})
		_ = tensor.SumSquares(y) // the loss
		tensor.Add(y, y, y)      // its gradient
		e.Backward(&pass, y)
		adam.Step(step, 1e-3)
	}
	return t
}

// Sample implements Run.
func (t *table) Sample(n int) ([]time.Duration, error) { return t.step.Sample(n) }

// Close implements Run.
func (t *table) Close() { t.memory.Release() }
