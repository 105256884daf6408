package evaluate

import "math"

// group is the rows of one probability.
type group struct{ p, positives, negatives float64 }

// sums are the running sums of sweep; groups come in ascending order of p.
type sums struct {
	total group // of all rows

	below          group   // rows of the groups before
	pairs          float64 // (negative, positive) pairs in the right order, ties half
	averaged       float64 // Σ precision · positives
	top            float64 // positives in the tenth with the highest p
	loss, squares  float64
	hits, alarms   float64 // true and false positives at the threshold
	bin            group   // open bin of the calibration; p is Σ p
	binned, misfit float64 // rows in closed bins; Σ |Σ p − positives| over them
}

func (g group) rows() float64 { return g.positives + g.negatives }

func (s *sums) add(g group, called bool) {
	above := s.total.positives + s.total.negatives - s.below.rows() - g.rows()
	s.pairs += g.positives * (s.below.negatives + g.negatives/2)
	s.averaged += g.positives * (s.total.positives - s.below.positives) / (above + g.rows())
	if room := topShare*s.total.rows() - above; room > 0 {
		s.top += g.positives * min(1, room/g.rows())
	}
	s.squares += g.positives*(1-g.p)*(1-g.p) + g.negatives*g.p*g.p
	if called {
		s.hits += g.positives
		s.alarms += g.negatives
	}
	s.calibrate(g)
	s.below.positives += g.positives
	s.below.negatives += g.negatives
}

// calibrate adds g to the open bin and closes the bin once its share of the rows is full.
func (s *sums) calibrate(g group) {
	s.bin.p += g.p * g.rows()
	s.bin.positives += g.positives
	s.bin.negatives += g.negatives
	size := s.total.rows() / calibrationBins
	done := s.binned + s.bin.rows()
	full := (math.Floor(s.binned/size+1e-9) + 1) * size
	if done >= full-1e-9 || done >= s.total.rows() {
		s.misfit += math.Abs(s.bin.p - s.bin.positives)
		s.binned = done
		s.bin = group{}
	}
}

func (s *sums) figures(out []float64) {
	n, positives, negatives := s.total.rows(), s.total.positives, s.total.negatives
	out[accuracy] = (s.hits + negatives - s.alarms) / n
	out[precision] = ratio(s.hits, s.hits+s.alarms)
	out[recall] = s.hits / positives // NaN without positives
	out[f1] = ratio(2*s.hits, positives+s.hits+s.alarms)
	out[auc] = s.pairs / (positives * negatives)
	out[prAUC] = s.averaged / positives
	out[logLoss] = s.loss / n
	out[brier] = s.squares / n
	out[ece] = s.misfit / n
	out[lift] = s.top / (topShare * n) / (positives / n)
}

// ratio is 0 for nothing of nothing.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
