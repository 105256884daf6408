package main

// norm writes layer norm and, where centred is false, RMS norm: the same without a mean.
func norm(f *file) {
	for _, centred := range []bool{true, false} {
		f.norm(centred)
		f.normBackward(centred)
	}
}

// matrix is a loop over the rows of dense matrices of the parameters rows and
// cols, in passes over the columns of a row.
type matrix struct {
	*row
	rows, share *reg // share is 1/cols in every lane
}

func (k *function) matrix(names ...string) *matrix {
	m := &matrix{row: &row{function: k, pointers: map[string]*reg{}}}
	for _, name := range names {
		m.pointers[name] = k.param(name)
	}
	m.rows, m.count = k.param("rows"), k.param("cols")
	size := k.vec()
	k.emit([]*reg{size}, []*reg{m.count}, "SCVTFS %v, %v", m.count, size)
	m.share = k.fdiv(k.fresh(1), k.lane0(size))
	k.label("rows")
	return m
}

// pass writes a loop over the columns of a row. The pointers that are named move
// on through it; those in keep stand at the next row behind it.
func (m *matrix) pass(label string, names []string, body func(a access), keep ...string) {
	r := &row{function: m.function, pointers: map[string]*reg{}}
	var pointers []*reg
	for _, name := range names {
		r.pointers[name] = m.copyOf(m.pointers[name])
		pointers = append(pointers, r.pointers[name])
	}
	r.columns(label, m.copyOf(m.count), 4, body, pointers)
	for _, name := range keep {
		m.set(m.pointers[name], r.pointers[name])
	}
}

// mean is the mean of a row whose values are added up in the lanes of sums, in every lane.
func (m *matrix) mean(sums []*reg) *reg {
	return m.fmul(m.lane0(m.sum(m.addUp(sums))), m.share)
}

// keepScalar stores lane 0 of v at the place of the row.
func (m *matrix) keepScalar(v *reg, name string) {
	m.storeBy("FMOVS", v, m.pointers[name], 0)
	m.add(m.pointers[name], 4)
}

func (m *matrix) scalar(name string) *reg {
	return m.lane0(m.next("FMOVS", m.pointers[name], 4))
}

func (m *matrix) nextRow() {
	m.subs(m.rows, 1)
	m.branch("BNE", "rows")
	m.ret()
}

func (f *file) norm(centred bool) {
	var k *function
	names := []string{"y", "x", "gain", "rstd"}
	if centred {
		k = f.begin("LayerNormNEON", "func(y, x, gain, bias, mean, rstd *float32, rows, cols int, eps float32)", "is reference.LayerNorm.")
		names = append(names, "bias", "mean")
	} else {
		k = f.begin("RMSNormNEON", "func(y, x, gain, rstd *float32, rows, cols int, eps float32)", "is reference.RMSNorm.")
	}
	k.needsConstants()
	eps, one := k.spread("eps"), k.fresh(1)
	m := k.matrix(names...)
	var mu *reg
	if centred {
		sums := k.zeros(4)
		m.pass("sum", []string{"x"}, func(a access) {
			for v, x := range a.load("x") {
				k.addTo(sums[v], x)
			}
		})
		mu = m.mean(sums)
		m.keepScalar(mu, "mean")
	}
	centre := func(x *reg, a access) *reg {
		if !centred {
			return x
		}
		return a.keep(k.fsub(x, mu))
	}
	squares := k.zeros(4)
	m.pass("squares", []string{"x"}, func(a access) {
		for v, x := range a.load("x") {
			d := centre(x, a)
			k.accumulate(squares[v], d, d)
		}
	})
	scale := k.fdiv(one, k.fsqrt(k.fadd(m.mean(squares), eps)))
	m.keepScalar(scale, "rstd")
	write := []string{"x", "y", "gain"}
	if centred {
		write = append(write, "bias")
	}
	m.pass("write", write, func(a access) {
		x, gain, bias := a.load("x"), a.load("gain"), []*reg(nil)
		if centred {
			bias = a.load("bias")
		}
		for v := range x {
			x[v] = k.fmul(centre(x[v], a), scale)
			if centred {
				x[v] = k.fma(x[v], gain[v], bias[v])
			} else {
				x[v] = k.fmul(x[v], gain[v])
			}
		}
		a.store(x, "y")
	}, "x", "y")
	m.nextRow()
}

func (f *file) normBackward(centred bool) {
	var k *function
	names := []string{"dx", "dy", "x", "gain", "rstd", "dgain"}
	sumNames := []string{"dy", "x", "gain", "dgain"}
	if centred {
		k = f.begin("LayerNormBackwardNEON", "func(dx, dgain, dbias, dy, x, gain, mean, rstd *float32, rows, cols int)", "is reference.LayerNormBackward.")
		names, sumNames = append(names, "dbias", "mean"), append(sumNames, "dbias")
	} else {
		k = f.begin("RMSNormBackwardNEON", "func(dx, dgain, dy, x, gain, rstd *float32, rows, cols int)", "is reference.RMSNormBackward.")
	}
	k.needsConstants()
	m := k.matrix(names...)
	scale, mu := m.scalar("rstd"), (*reg)(nil)
	if centred {
		mu = m.scalar("mean")
	}
	normed := func(x *reg) *reg {
		if centred {
			x = k.fsub(x, mu)
		}
		return k.fmul(x, scale)
	}
	dots, sums := k.zeros(4), []*reg(nil)
	if centred {
		sums = k.zeros(4)
	}
	m.pass("sums", sumNames, func(a access) {
		x, dy, gain, dgain, dbias := a.load("x"), a.load("dy"), a.load("gain"), a.load("dgain"), []*reg(nil)
		if centred {
			dbias = a.load("dbias")
		}
		for v := range x {
			n := normed(x[v])
			dgain[v] = k.fma(dy[v], n, dgain[v])
			g := k.fmul(dy[v], gain[v])
			k.accumulate(dots[v], g, n)
			if centred {
				dbias[v] = k.fadd(dbias[v], dy[v])
				k.addTo(sums[v], g)
			}
		}
		a.store(dgain, "dgain")
		if centred {
			a.store(dbias, "dbias")
		}
	})
	dot, sum := m.mean(dots), (*reg)(nil)
	if centred {
		sum = m.mean(sums)
	}
	m.pass("write", []string{"dx", "dy", "x", "gain"}, func(a access) {
		x, dy, gain := a.load("x"), a.load("dy"), a.load("gain")
		for v := range x {
			g := k.fmul(dy[v], gain[v])
			if centred {
				g = k.fsub(g, sum)
			}
			x[v] = k.fmul(k.fnma(normed(x[v]), dot, g), scale)
		}
		a.store(x, "dx")
	}, "dx", "dy", "x")
	m.nextRow()
}
