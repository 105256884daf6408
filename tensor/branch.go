package tensor

import (
	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// AddBranch sets y = x + Dropout(branch ⊙ gate), the end of a residual branch, in
// one pass. gate may be nil for none. The dropout's stream begins at index 0.
func AddBranch(y, x, branch, gate []float32, rate float32, s Stream) {
	n := len(branch)
	need("AddBranch", "y", y, n)
	need("AddBranch", "x", x, n)
	if gate != nil {
		need("AddBranch", "gate", gate, n)
	}
	b := branches.take()
	*b = residual{dst: y, x: x, branch: branch, gate: gate}
	b.run(n, rate, s)
}

// AddBranchBackward sets dbranch = Dropout(dy) ⊙ gate and dgate = Dropout(dy) ⊙
// branch for the dy, rate and stream of AddBranch. Neither may be dy.
func AddBranchBackward(dbranch, dgate, dy, branch, gate []float32, rate float32, s Stream) {
	n := len(branch)
	need("AddBranchBackward", "dbranch", dbranch, n)
	need("AddBranchBackward", "dgate", dgate, n)
	need("AddBranchBackward", "dy", dy, n)
	need("AddBranchBackward", "gate", gate, n)
	b := branches.take()
	*b = residual{dst: dbranch, dgate: dgate, dy: dy, branch: branch, gate: gate}
	b.run(n, rate, s)
}

// residual is one call of AddBranch, or where dy is not nil of AddBranchBackward: its parts are runs of values.
type residual struct {
	dst, x, branch, gate []float32
	dy, dgate            []float32
	n                    int
	dropped              bool
	threshold            uint32
	scale                float32
	stream               kernel.Stream
	parts                int
}

var branches free[residual]

func (b *residual) run(n int, rate float32, s Stream) {
	b.n = n
	if rate > 0 {
		b.dropped, b.threshold, b.scale, b.stream = true, dropoutThreshold(rate), 1/(1-rate), kernel.Stream(s)
	}
	b.parts = rowParts(ceilDiv(n, dropoutUnit), dropoutUnit)
	pool.Run(b.parts, b)
	*b = residual{}
	branches.put(b)
}

// Do works on one part of the values, a few thousand at a time, which stay in the first-level cache.
func (b *residual) Do(part int) {
	const atOnce = 32 * dropoutUnit
	from, end := share(b.n, dropoutUnit, part, b.parts)
	for ; from < end; from += atOnce {
		to := min(from+atOnce, end)
		if b.dy == nil {
			b.forward(from, to)
		} else {
			b.backward(from, to)
		}
	}
}

func (b *residual) forward(from, to int) {
	z, y := b.branch[from:to], b.dst[from:to]
	if b.gate != nil {
		kernel.Mul(y, z, b.gate[from:to])
		z = y
	}
	z = b.dropout(y, z, from)
	kernel.Add(y, z, b.x[from:to])
}

func (b *residual) backward(from, to int) {
	dbranch := b.dst[from:to]
	dz := b.dropout(dbranch, b.dy[from:to], from)
	kernel.Mul(b.dgate[from:to], dz, b.branch[from:to])
	kernel.Mul(dbranch, dz, b.gate[from:to])
}

// dropout sets dst to what is left of x, which begins at from, or returns x if nothing is dropped.
func (b *residual) dropout(dst, x []float32, from int) []float32 {
	if !b.dropped {
		return x
	}
	b.stream.Dropout(dst, x, uint64(from)/4, b.threshold, b.scale)
	return dst
}
