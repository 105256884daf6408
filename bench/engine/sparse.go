package engine

import (
	"context"
	"fmt"
	"math/rand/v2"

	"bellwether/tensor/nn"
)

// touched are the rows of a table that a step uses.
const touched = 8192

// tables are steps of an embedding alone: rows looked up, the sum of their
// squares as the loss, and those rows moved by row-wise Adam.
func tables() []Case {
	var out []Case
	for _, rows := range []int{156_000, 4_000_000, 15_625_000} {
		out = append(out, Case{Name: fmt.Sprintf("RowWiseAdam/%dof%dx%d", touched, rows, width), Items: touched, Open: func(context.Context) (Run, error) {
			return repeat(tableStep(rows)), nil
		}})
	}
	return out
}

func tableStep(rows int) func() {
	b := nn.NewBuilder(42)
	e := nn.Embedding{Width: width, Tables: []*nn.Param{b.Table("table", nn.Constant(.1), rows, width)}}
	params, rng := b.Params(), rand.New(rand.NewPCG(42, 0))
	adam := nn.NewAdam(params, nn.Adam{RowWise: true, Beta1: -1})
	ids, pass, step := make([]int32, touched), nn.Pass{Train: true}, 0
	zero, gradient := make([]float32, touched*width), make([]float32, touched*width)
	return func() {
		step++
		for i := range ids {
			ids[i] = rng.Int32N(int32(rows))
		}
		params.ZeroGrad()
		pass.Begin(touched, nil)
		nn.MSE(gradient, e.Forward(&pass, [][]int32{ids}), zero, 1)
		e.Backward(&pass, gradient)
		adam.Step(step, 1e-3)
	}
}
