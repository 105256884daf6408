package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkRowWise updates 8,192 rows of tables of 64 columns: its time follows
// the rows touched, not the table.
func BenchmarkRowWise(b *testing.B) {
	for _, rows := range []int{156_000, 4_000_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			builder := NewBuilder(1)
			table := builder.Table("x", Constant(.1), rows, 64)
			o := NewAdaGrad(builder.Params(), AdaGrad{RowWise: true})
			e := &Embedding{Width: 64, Tables: []*Param{table}}
			p, rng := &Pass{Train: true}, rand.New(rand.NewPCG(1, 2))
			ids := [][]int32{make([]int32, 8192)}
			step := 0
			b.ReportAllocs()
			for b.Loop() {
				for i := range ids[0] {
					ids[0][i] = int32(rng.IntN(rows))
				}
				step++
				builder.Params().ZeroGrad()
				p.Begin(8192, nil)
				y := e.Forward(p, ids) // the loss is half the sum of squares, so that y is its gradient
				e.Backward(p, y)
				o.Step(step, .1)
			}
		})
	}
}
