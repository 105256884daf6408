package tensor

import (
	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// LayerNorm sets y = (x − mean)·rstd·gain + bias for each row of x, [rows,
// cols], and keeps mean and rstd = 1/√(variance+eps), [rows], for the backward
// pass (Ba, Kiros and Hinton 2016). y may be x.
func LayerNorm(y, x, gain, bias, mean, rstd []float32, rows, cols int, eps float32) {
	needNorm("LayerNorm", y, x, gain, rstd, rows, cols)
	need("LayerNorm", "bias", bias, cols)
	need("LayerNorm", "mean", mean, rows)
	n := norms.take()
	*n = norm{y: y, x: x, gain: gain, bias: bias, mean: mean, rstd: rstd, rows: rows, cols: cols, eps: eps, buffer: n.buffer}
	n.run()
}

// LayerNormBackward sets dx and adds to dgain and dbias, [cols]. dx may be dy.
func LayerNormBackward(dx, dgain, dbias, dy, x, gain, mean, rstd []float32, rows, cols int) {
	needNorm("LayerNormBackward", dx, x, gain, rstd, rows, cols)
	need("LayerNormBackward", "dy", dy, rows*cols)
	need("LayerNormBackward", "dgain", dgain, cols)
	need("LayerNormBackward", "dbias", dbias, cols)
	need("LayerNormBackward", "mean", mean, rows)
	n := norms.take()
	*n = norm{y: dx, dgain: dgain, dbias: dbias, dy: dy, x: x, gain: gain, mean: mean, rstd: rstd, rows: rows, cols: cols, buffer: n.buffer}
	n.run()
}

// RMSNorm sets y = x·rstd·gain for each row of x, [rows, cols], and keeps rstd
// = 1/√(mean of x² + eps), [rows] (Zhang and Sennrich 2019). y may be x.
func RMSNorm(y, x, gain, rstd []float32, rows, cols int, eps float32) {
	needNorm("RMSNorm", y, x, gain, rstd, rows, cols)
	n := norms.take()
	*n = norm{y: y, x: x, gain: gain, rstd: rstd, rows: rows, cols: cols, eps: eps, buffer: n.buffer}
	n.run()
}

// RMSNormBackward sets dx and adds to dgain, [cols]. dx may be dy.
func RMSNormBackward(dx, dgain, dy, x, gain, rstd []float32, rows, cols int) {
	needNorm("RMSNormBackward", dx, x, gain, rstd, rows, cols)
	need("RMSNormBackward", "dy", dy, rows*cols)
	need("RMSNormBackward", "dgain", dgain, cols)
	n := norms.take()
	*n = norm{y: dx, dgain: dgain, dy: dy, x: x, gain: gain, rstd: rstd, rows: rows, cols: cols, buffer: n.buffer}
	n.run()
}

func needNorm(kernel string, y, x, gain, rstd []float32, rows, cols int) {
	need(kernel, "y", y, rows*cols)
	need(kernel, "x", x, rows*cols)
	need(kernel, "gain", gain, cols)
	need(kernel, "rstd", rstd, rows)
}

// norm is one call of a normalisation: its parts are runs of rows. mean is nil
// for RMS norm, dy for the forward pass.
type norm struct {
	y, x, gain, bias, mean, rstd []float32
	dy, dgain, dbias             []float32
	rows, cols                   int
	eps                          float32
	parts                        int
	buffer                       []float32 // dgain and dbias of each part, [parts, 2, cols]
}

var norms free[norm]

func (n *norm) run() {
	n.parts = rowParts(n.rows, n.cols)
	if n.dy != nil {
		n.buffer = grow(n.buffer, 2*n.parts*n.cols)
		clear(n.buffer)
	}
	pool.Run(n.parts, n)
	for part := 0; part < n.parts && n.dy != nil; part++ {
		dgain, dbias := n.sums(part)
		kernel.Add(n.dgain[:n.cols], n.dgain, dgain)
		if n.mean != nil {
			kernel.Add(n.dbias[:n.cols], n.dbias, dbias)
		}
	}
	*n = norm{buffer: n.buffer}
	norms.put(n)
}

func (n *norm) sums(part int) (dgain, dbias []float32) {
	at := n.buffer[2*part*n.cols:]
	return at[:n.cols], at[n.cols : 2*n.cols]
}

// Do works on one part of the rows.
func (n *norm) Do(part int) {
	first, end := n.rows*part/n.parts, n.rows*(part+1)/n.parts
	rows, at := end-first, first*n.cols
	y, x, rstd := n.y[at:], n.x[at:], n.rstd[first:]
	if n.dy == nil {
		if n.mean == nil {
			kernel.RMSNorm(y, x, n.gain, rstd, rows, n.cols, n.eps)
		} else {
			kernel.LayerNorm(y, x, n.gain, n.bias, n.mean[first:], rstd, rows, n.cols, n.eps)
		}
		return
	}
	dgain, dbias := n.sums(part)
	if n.mean == nil {
		kernel.RMSNormBackward(y, dgain, n.dy[at:], x, n.gain, rstd, rows, n.cols)
	} else {
		kernel.LayerNormBackward(y, dgain, dbias, n.dy[at:], x, n.gain, n.mean[first:], rstd, rows, n.cols)
	}
}

// rowParts is the number of parts that rows of light work are cut into.
func rowParts(rows, cols int) int {
	if rows*cols < lightWork {
		return 1
	}
	return max(min(2*pool.Size(), rows), 1)
}

// lightWork is the number of values that a few operations each do not make worth a second goroutine.
const lightWork = 1 << 16
