package neighbours

import (
	"context"
	"slices"
)

// matrix is a sparse matrix by compressed rows: row r is columns[start[r]:start[r+1]], ascending,
// with the values beside them.
type matrix struct {
	start   []int
	columns []int32
	values  []float32
}

func (m *matrix) row(r int) ([]int32, []float32) {
	lo, hi := m.start[r], m.start[r+1]
	return m.columns[lo:hi], m.values[lo:hi]
}

// transpose returns the matrix with rows and columns exchanged; it is square.
func (m *matrix) transpose() matrix {
	n := len(m.start) - 1
	t := matrix{start: make([]int, n+1), columns: make([]int32, len(m.columns)), values: make([]float32, len(m.values))}
	for _, c := range m.columns {
		t.start[c+1]++
	}
	for r := range n {
		t.start[r+1] += t.start[r]
	}
	next := slices.Clone(t.start)
	for r := range n {
		columns, values := m.row(r)
		for k, c := range columns {
			t.columns[next[c]], t.values[next[c]] = int32(r), values[k]
			next[c]++
		}
	}
	return t
}

// accumulator is one row under construction: dense values, and which of them are set.
type accumulator struct {
	value   []float32
	touched []int32
}

// add adds the positive v to column j.
func (a *accumulator) add(j int32, v float32) {
	if a.value[j] == 0 {
		a.touched = append(a.touched, j)
	}
	a.value[j] += v
}

// keep drops all but the k largest values; of equal ones at the border the lower columns stay.
func (a *accumulator) keep(k int, scratch []float32) []float32 {
	if len(a.touched) <= k {
		return scratch
	}
	scratch = scratch[:0]
	for _, j := range a.touched {
		scratch = append(scratch, a.value[j])
	}
	border := largest(scratch, k)
	spare := k
	for _, j := range a.touched {
		if a.value[j] > border {
			spare--
		}
	}
	for _, j := range a.touched {
		switch v := a.value[j]; {
		case v < border, v == border && spare == 0:
			a.value[j] = 0
		case v == border:
			spare--
		}
	}
	return scratch
}

// flush appends the row to m and clears it.
func (a *accumulator) flush(m *matrix) {
	for _, j := range a.touched {
		if v := a.value[j]; v != 0 {
			m.columns, m.values = append(m.columns, j), append(m.values, v)
			a.value[j] = 0
		}
	}
	a.touched = a.touched[:0]
	m.start = append(m.start, len(m.columns))
}

// build makes a matrix row by row: visit adds what one occurrence of the row's item sees, and
// finish turns the sums into the row's values. The columns are ascending when finish is called.
func build(ctx context.Context, r *runs, visit func(a *accumulator, at int), finish func(item int, a *accumulator)) (matrix, error) {
	n := len(r.start) - 1
	m := matrix{start: make([]int, 1, n+1)}
	a := &accumulator{value: make([]float32, n)}
	for item := range n {
		if err := ctx.Err(); item%64 == 0 && err != nil {
			return matrix{}, err
		}
		for _, at := range r.places(item) {
			visit(a, int(at))
		}
		slices.Sort(a.touched)
		if finish != nil {
			finish(item, a)
		}
		a.flush(&m)
	}
	return m, nil
}

// largest returns the k-th largest of x, 1 ≤ k ≤ len(x), and reorders x (Hoare's selection).
func largest(x []float32, k int) float32 {
	lo, hi, want := 0, len(x)-1, k-1
	for lo < hi {
		pivot := x[lo+(hi-lo)/2]
		i, j := lo, hi
		for i <= j {
			for x[i] > pivot {
				i++
			}
			for x[j] < pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case want <= j:
			hi = j
		case want >= i:
			lo = i
		default:
			return x[want]
		}
	}
	return x[want]
}
