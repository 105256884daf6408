package kernel

import (
	"math"

	"bellwether/tensor/internal/reference"
)

// kernels run each kernel on operands of n values, or of shapes that n gives, and
// return what it wrote.
var kernels = map[string]func(m *memory, n int) [][]float32{
	"Add":             binary(Add),
	"Mul":             binary(Mul),
	"ReLUBackward":    binary(ReLUBackward),
	"SigmoidBackward": binary(SigmoidBackward),
	"TanhBackward":    binary(TanhBackward),
	"GELUBackward":    binary(GELUBackward),
	"SiLUBackward":    binary(SiLUBackward),
	"Exp":             unary(Exp),
	"Tanh":            unary(Tanh),
	"Sigmoid":         unary(Sigmoid),
	"GELU":            unary(GELU),
	"SiLU":            unary(SiLU),
	"ReLU":            unary(ReLU),
	"Log": func(m *memory, n int) [][]float32 {
		x := m.positive(n)
		Log(x, x)
		return [][]float32{x}
	},
	"Axpy": func(m *memory, n int) [][]float32 {
		x, y := m.floats(n), m.floats(n)
		Axpy(-.7, x, y)
		return [][]float32{y}
	},
	"Scale": func(m *memory, n int) [][]float32 {
		x := m.floats(n)
		Scale(1.7, x)
		return [][]float32{x}
	},
	"ShiftMul": binary(func(dst, x, y []float32) { ShiftMul(dst, x, y, .3) }),

	"Dot": func(m *memory, n int) [][]float32 { return one(Dot(m.floats(n), m.floats(n))) },
	"Max": func(m *memory, n int) [][]float32 { return one(Max(m.floats(n)), Max(negative(m.positive(n)))) },
	"Sum": func(m *memory, n int) [][]float32 { return one(float32(Sum(m.floats(n)))) },
	"SumSquares": func(m *memory, n int) [][]float32 {
		return one(float32(SumSquares(m.floats(n))))
	},
	"DotInt8": func(m *memory, n int) [][]float32 { return one(float32(DotInt8(m.bytes(n), m.bytes(n)))) },
	"ExpSum": func(m *memory, n int) [][]float32 {
		x, dst := m.floats(n), m.floats(n)
		return [][]float32{{ExpSum(dst, x, 1.5)}, dst}
	},
	"Above": func(m *memory, n int) [][]float32 {
		x := m.floats(4 * n)
		if n > 2 {
			x[n], x[n+1] = float32(math.NaN()), float32(math.Inf(-1))
		}
		return one(float32(Above(x, n/3, 1.5)), float32(Above(x, 0, 3)), float32(Above(x, n, 100)))
	},

	"ColumnsMax":      columnsMax,
	"ColumnsExp":      columnsExp,
	"ColumnsGradient": columnsGradient,
	"RowDots": func(m *memory, n int) [][]float32 {
		rows, cols := m.rng.IntN(14), n
		dst := m.floats(rows)
		RowDots(dst, m.floats(cols), m.floats(rows*cols), rows, cols)
		return [][]float32{dst}
	},
	"RowDotsInt8": func(m *memory, n int) [][]float32 {
		rows, cols := m.rng.IntN(14), n
		if m.rng.IntN(3) > 0 {
			cols = cols / 8 * 32
		}
		dst := m.floats(rows)
		RowDotsInt8(dst, m.bytes(cols), m.bytes(rows*cols), m.positive(rows), .01, rows, cols)
		return [][]float32{dst}
	},

	"LayerNorm":         layerNorm,
	"LayerNormBackward": layerNormBackward,
	"RMSNorm": func(m *memory, n int) [][]float32 {
		rows := 1 + m.rng.IntN(5)
		y, rstd := m.floats(rows*n), m.floats(rows)
		RMSNorm(y, m.floats(rows*n), m.floats(n), rstd, rows, n, 1e-5)
		return results(n, y, rstd)
	},
	"RMSNormBackward": func(m *memory, n int) [][]float32 {
		rows := 1 + m.rng.IntN(5)
		dx, dgain := m.floats(rows*n), m.floats(n)
		RMSNormBackward(dx, dgain, m.floats(rows*n), m.floats(rows*n), m.floats(n), m.positive(rows), rows, n)
		return [][]float32{dx, dgain}
	},

	"Adam":       func(m *memory, n int) [][]float32 { return adam(m, n, m.floats(n)) },
	"AdamNoMean": func(m *memory, n int) [][]float32 { return adam(m, n, nil) },
	"AdamRow":    func(m *memory, n int) [][]float32 { return adamRow(m, n, m.floats(n)) },
	"AdamRowNoMean": func(m *memory, n int) [][]float32 {
		return adamRow(m, n, nil)
	},
	"AdaGrad": func(m *memory, n int) [][]float32 {
		value, sums := m.floats(n), m.positive(n)
		AdaGrad(.1, 1e-6, value, m.floats(n), sums)
		return [][]float32{value, sums}
	},
	"AdaGradRow": func(m *memory, n int) [][]float32 {
		value, sum := m.floats(n), m.positive(1)
		AdaGradRow(.1, 1e-6, value, m.floats(n), &sum[0])
		return [][]float32{value, sum}
	},
	"Prefetch": func(m *memory, n int) [][]float32 { Prefetch(m.floats(n)); return nil },

	"PackRows":    packRows,
	"PackColumns": packColumns,
	"Bits": func(m *memory, n int) [][]float32 {
		dst := m.words(n)
		Stream{Seed: 0x0123456789abcdef, Step: 5, Layer: 6}.Bits(dst, 1<<32-3)
		out := make([]float32, 2*n) // halves, which float32 holds
		for i, w := range dst {
			out[2*i], out[2*i+1] = float32(w>>16), float32(w&0xffff)
		}
		return [][]float32{out}
	},
	"Dropout": func(m *memory, n int) [][]float32 {
		dst := m.floats(n)
		Stream{Seed: 77, Step: 1, Layer: 2}.Dropout(dst, m.floats(n), 1<<34-2, 1<<30, 1.25)
		return [][]float32{dst}
	},
	"Tile by rows":    func(m *memory, n int) [][]float32 { return tile(m, n, "rows") },
	"Tile by columns": func(m *memory, n int) [][]float32 { return tile(m, n, "columns") },
	"Tile by strides": func(m *memory, n int) [][]float32 { return tile(m, n, "strides") },
}

func one(v ...float32) [][]float32 { return [][]float32{v} }

func negative(x []float32) []float32 {
	for i := range x {
		x[i] = -x[i]
	}
	return x
}

// results leaves out what is written of rows without values.
func results(n int, out ...[]float32) [][]float32 {
	if n == 0 {
		return nil
	}
	return out
}

// unary works in place half of the time.
func unary(f func(dst, x []float32)) func(m *memory, n int) [][]float32 {
	return func(m *memory, n int) [][]float32 {
		x := m.floats(n)
		Scale(4, x)
		dst := x
		if m.rng.IntN(2) == 0 {
			dst = m.floats(n)
		}
		f(dst, x)
		return [][]float32{dst}
	}
}

func binary(f func(dst, x, y []float32)) func(m *memory, n int) [][]float32 {
	return func(m *memory, n int) [][]float32 {
		x, y := m.floats(n), m.floats(n)
		dst := [][]float32{x, y, nil}[m.rng.IntN(3)]
		if dst == nil {
			dst = m.floats(n)
		}
		f(dst, x, y)
		return [][]float32{dst}
	}
}

// matrix is the shape of a matrix of columns: rows, columns and its stride.
func (m *memory) matrix(n int) (rows, cols, stride int) {
	cols = 16 * (1 + m.rng.IntN(4))
	return 1 + n%40, cols, cols + m.rng.IntN(9)
}

func columnsMax(m *memory, n int) [][]float32 {
	rows, cols, stride := m.matrix(n)
	top := m.floats(cols)
	ColumnsMax(top, m.floats((rows-1)*stride+cols), rows, stride, cols)
	return [][]float32{top}
}

func columnsExp(m *memory, n int) [][]float32 {
	rows, cols, stride := m.matrix(n)
	s, shift, sum := m.floats((rows-1)*stride+cols), m.floats(cols), m.positive(cols)
	if m.rng.IntN(2) == 0 {
		ColumnsExp(s, shift, sum, s, rows, stride, cols, stride, .5)
		return [][]float32{s, sum}
	}
	other := cols + m.rng.IntN(5)
	second := m.floats((rows-1)*other + cols)
	ColumnsExp(s, shift, sum, second, rows, stride, cols, other, 1)
	return [][]float32{s, sum, second}
}

func columnsGradient(m *memory, n int) [][]float32 {
	rows, cols, stride := m.matrix(n)
	d, p := m.floats((rows-1)*stride+cols), m.floats((rows-1)*stride+cols)
	ColumnsGradient(d, p, m.floats(cols), rows, stride, cols, .25)
	return [][]float32{d}
}

func layerNorm(m *memory, n int) [][]float32 {
	rows := 1 + m.rng.IntN(5)
	y, mean, rstd := m.floats(rows*n), m.floats(rows), m.floats(rows)
	x := m.floats(rows * n)
	if n == 1 {
		return nil // 0 divided by √eps in one order of rounding or another
	}
	LayerNorm(y, x, m.floats(n), m.floats(n), mean, rstd, rows, n, 1e-5)
	return results(n, y, mean, rstd)
}

func layerNormBackward(m *memory, n int) [][]float32 {
	rows := 1 + m.rng.IntN(5)
	dx, dgain, dbias := m.floats(rows*n), m.floats(n), m.floats(n)
	LayerNormBackward(dx, dgain, dbias, m.floats(rows*n), m.floats(rows*n), m.floats(n), m.floats(rows), m.positive(rows), rows, n)
	return [][]float32{dx, dgain, dbias}
}

var step = reference.AdamStep{Beta1: .9, Beta2: .99, Epsilon: 1e-6, Decay: .99, Rate: .01, Root: 1.1}

func adam(m *memory, n int, mean []float32) [][]float32 {
	value, square := m.floats(n), m.positive(n)
	Adam(&step, value, m.floats(n), mean, square)
	return [][]float32{value, square, mean}
}

func adamRow(m *memory, n int, mean []float32) [][]float32 {
	value, square := m.floats(n), m.positive(1)
	AdamRow(&step, value, m.floats(n), mean, &square[0])
	return [][]float32{value, square, mean}
}

func packRows(m *memory, n int) [][]float32 {
	width := 1 + m.rng.IntN(16) // which every level packs
	k, cols := n%50, m.rng.IntN(width+1)
	stride := cols + m.rng.IntN(7)
	dst := m.floats(k*width + 16)
	if cols == 0 || k == 0 {
		return nil
	}
	PackRows(dst, m.floats((k-1)*stride+cols), k, cols, stride, width)
	return [][]float32{dst[:k*width]}
}

func packColumns(m *memory, n int) [][]float32 {
	k, width := n%50, 4*(1+m.rng.IntN(4))
	cols := m.rng.IntN(width + 1)
	stride := k + m.rng.IntN(7)
	dst, b := m.floats(k*width), m.floats(max(cols-1, 0)*stride+k)
	PackColumns(dst, b, k, cols, stride, width)
	return [][]float32{dst}
}

// tile runs a tile at the levels that have one so large, and the plain loops at the others.
func tile(m *memory, n int, form string) [][]float32 {
	rows, cols := 1+m.rng.IntN(6), 1+m.rng.IntN(16)
	s := Strides{K: n}
	switch form {
	case "rows":
		s.StepA, s.RowA = 1, n+m.rng.IntN(4)
	case "columns":
		s.RowA, s.StepA = 1, rows+m.rng.IntN(4)
	default:
		s.RowA, s.StepA = 2, 2*rows+3
	}
	s.StepB, s.RowC = cols+m.rng.IntN(4), cols+m.rng.IntN(4)
	a := m.floats(1 + (rows-1)*s.RowA + max(n-1, 0)*s.StepA)
	b, c := m.floats(max(n-1, 0)*s.StepB+cols), m.floats((rows-1)*s.RowC+cols)
	var bias []float32
	if m.rng.IntN(2) == 0 {
		bias = m.floats(cols)
	}
	flags := m.rng.IntN(4)
	if mostRows, mostCols := TileShape(); rows <= mostRows && cols <= mostCols {
		s.Tile(rows, cols, a, b, c, bias, flags)
		return [][]float32{c}
	}
	plainTile(&s, rows, cols, a, b, c, bias, flags)
	return [][]float32{c}
}

// plainTile is what Tile says, a value at a time.
func plainTile(s *Strides, rows, cols int, a, b, c, bias []float32, flags int) {
	for i := range rows {
		for j := range cols {
			var sum float64
			for p := range s.K {
				sum += float64(a[i*s.RowA+p*s.StepA]) * float64(b[p*s.StepB+j])
			}
			if bias != nil {
				sum += float64(bias[j])
			}
			if flags&TileAdd != 0 {
				sum += float64(c[i*s.RowC+j])
			}
			if flags&TileReLU != 0 {
				sum = max(sum, 0)
			}
			c[i*s.RowC+j] = float32(sum)
		}
	}
}
