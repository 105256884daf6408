package tensor

// Packed is a matrix laid out for repeated use as the right-hand side of a
// product: weights are packed once a step and used by every batch.
type Packed struct {
	k, n int
	data []float32 // [k, n]
}

// Pack lays out b, [k, n], for MatMulPacked. It reuses the memory of p when
// there is enough of it; p may be nil.
func Pack(p *Packed, b []float32, k, n int) *Packed {
	need("Pack", "b", b, k*n)
	p = p.resize(k, n)
	copy(p.data, b)
	return p
}

// PackT lays out the transpose of b, [n, k], for MatMulPacked, which then computes a·bᵀ.
func PackT(p *Packed, b []float32, k, n int) *Packed {
	need("PackT", "b", b, k*n)
	p = p.resize(k, n)
	for j := range n {
		for i := range k {
			p.data[i*n+j] = b[j*k+i]
		}
	}
	return p
}

func (p *Packed) resize(k, n int) *Packed {
	if p == nil {
		p = new(Packed)
	}
	p.k, p.n = k, n
	if cap(p.data) < k*n {
		p.data = make([]float32, k*n)
	}
	p.data = p.data[:k*n]
	return p
}

// MatMulPacked sets c = a·b for the packed b, [k, n]; c is [m, n], a is [m, k].
func MatMulPacked(c, a []float32, b *Packed, m int, tail Tail) {
	MatMul(c, a, b.data, m, b.n, b.k, tail)
}
