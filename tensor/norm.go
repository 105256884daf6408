package tensor

import "bellwether/tensor/internal/reference"

// LayerNorm sets y = (x − mean)·rstd·gain + bias for each row of x, [rows,
// cols], and keeps mean and rstd = 1/√(variance+eps), [rows], for the backward
// pass (Ba, Kiros and Hinton 2016). y may be x.
func LayerNorm(y, x, gain, bias, mean, rstd []float32, rows, cols int, eps float32) {
	needNorm("LayerNorm", y, x, gain, rstd, rows, cols)
	need("LayerNorm", "bias", bias, cols)
	need("LayerNorm", "mean", mean, rows)
	reference.LayerNorm(y, x, gain, bias, mean, rstd, rows, cols, eps)
}

// LayerNormBackward sets dx and adds to dgain and dbias, [cols]. dx may be dy.
func LayerNormBackward(dx, dgain, dbias, dy, x, gain, mean, rstd []float32, rows, cols int) {
	needNorm("LayerNormBackward", dx, x, gain, rstd, rows, cols)
	need("LayerNormBackward", "dy", dy, rows*cols)
	need("LayerNormBackward", "dgain", dgain, cols)
	need("LayerNormBackward", "dbias", dbias, cols)
	need("LayerNormBackward", "mean", mean, rows)
	reference.LayerNormBackward(dx, dgain, dbias, dy, x, gain, mean, rstd, rows, cols)
}

// RMSNorm sets y = x·rstd·gain for each row of x, [rows, cols], and keeps rstd
// = 1/√(mean of x² + eps), [rows] (Zhang and Sennrich 2019). y may be x.
func RMSNorm(y, x, gain, rstd []float32, rows, cols int, eps float32) {
	needNorm("RMSNorm", y, x, gain, rstd, rows, cols)
	reference.RMSNorm(y, x, gain, rstd, rows, cols, eps)
}

// RMSNormBackward sets dx and adds to dgain, [cols]. dx may be dy.
func RMSNormBackward(dx, dgain, dy, x, gain, rstd []float32, rows, cols int) {
	needNorm("RMSNormBackward", dx, x, gain, rstd, rows, cols)
	need("RMSNormBackward", "dy", dy, rows*cols)
	need("RMSNormBackward", "dgain", dgain, cols)
	reference.RMSNormBackward(dx, dgain, dy, x, gain, rstd, rows, cols)
}

func needNorm(kernel string, y, x, gain, rstd []float32, rows, cols int) {
	need(kernel, "y", y, rows*cols)
	need(kernel, "x", x, rows*cols)
	need(kernel, "gain", gain, cols)
	need(kernel, "rstd", rstd, rows)
}
