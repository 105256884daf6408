package reference

import "math"

// LayerNorm sets y = (x − mean)·rstd·gain + bias for each row, and keeps mean
// and rstd = 1/√(variance+eps) of each row (Ba, Kiros and Hinton 2016).
func LayerNorm(y, x, gain, bias, mean, rstd []float32, rows, cols int, eps float32) {
	for r := range rows {
		row := x[r*cols : (r+1)*cols]
		mu := Sum(row) / float64(cols)
		var variance float64
		for _, v := range row {
			variance += (float64(v) - mu) * (float64(v) - mu)
		}
		scale := 1 / math.Sqrt(variance/float64(cols)+float64(eps))
		for j, v := range row {
			y[r*cols+j] = float32((float64(v)-mu)*scale*float64(gain[j]) + float64(bias[j]))
		}
		mean[r], rstd[r] = float32(mu), float32(scale)
	}
}

// LayerNormBackward sets dx and adds to dgain and dbias.
func LayerNormBackward(dx, dgain, dbias, dy, x, gain, mean, rstd []float32, rows, cols int) {
	for r := range rows {
		mu, scale := float64(mean[r]), float64(rstd[r])
		var sum, dot float64 // of the gradient of the normalised value, and of it times that value
		for j := range cols {
			i := r*cols + j
			normed := (float64(x[i]) - mu) * scale
			g := float64(dy[i]) * float64(gain[j])
			sum += g
			dot += g * normed
			dgain[j] += float32(float64(dy[i]) * normed)
			dbias[j] += dy[i]
		}
		sum, dot = sum/float64(cols), dot/float64(cols)
		for j := range cols {
			i := r*cols + j
			normed := (float64(x[i]) - mu) * scale
			dx[i] = float32(scale * (float64(dy[i])*float64(gain[j]) - sum - normed*dot))
		}
	}
}

// RMSNorm sets y = x·rstd·gain for each row, rstd = 1/√(mean of x² + eps)
// (Zhang and Sennrich 2019).
func RMSNorm(y, x, gain, rstd []float32, rows, cols int, eps float32) {
	for r := range rows {
		row := x[r*cols : (r+1)*cols]
		scale := 1 / math.Sqrt(SumSquares(row)/float64(cols)+float64(eps))
		for j, v := range row {
			y[r*cols+j] = float32(float64(v) * scale * float64(gain[j]))
		}
		rstd[r] = float32(scale)
	}
}

// RMSNormBackward sets dx and adds to dgain.
func RMSNormBackward(dx, dgain, dy, x, gain, rstd []float32, rows, cols int) {
	for r := range rows {
		scale := float64(rstd[r])
		var dot float64
		for j := range cols {
			i := r*cols + j
			normed := float64(x[i]) * scale
			dot += float64(dy[i]) * float64(gain[j]) * normed
			dgain[j] += float32(float64(dy[i]) * normed)
		}
		dot /= float64(cols)
		for j := range cols {
			i := r*cols + j
			dx[i] = float32(scale * (float64(dy[i])*float64(gain[j]) - float64(x[i])*scale*dot))
		}
	}
}
