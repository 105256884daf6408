package nn

// Hazard returns scale·Σ of the negative log likelihood of discrete waiting
// times. x is [rows, buckets]: σ(x[r][j]) is the probability that what has not
// happened before bucket j happens in it. waits[r] is the bucket in which it
// happened; ^b (negative) says that it had not happened by the end of bucket b,
// when the row was last seen. dx is set to the gradient; it may be nil.
// (Singer and Willett 1993; Kvamme and Borgan 2021.)
func Hazard(dx, x []float32, waits []int32, buckets int, scale float32) float64 {
	var loss float64
	for r, wait := range waits {
		row := x[r*buckets : (r+1)*buckets]
		last, happened := int(wait), wait >= 0
		if !happened {
			last = int(^wait)
		}
		for j, v := range row {
			target := float32(0)
			if happened && j == last {
				target = 1
			}
			if j <= last {
				loss += softplus(float64(v)) - float64(target)*float64(v)
			}
			if dx == nil {
				continue
			}
			dx[r*buckets+j] = 0
			if j <= last {
				dx[r*buckets+j] = scale * (sigmoid(v) - target)
			}
		}
	}
	return loss * float64(scale)
}
