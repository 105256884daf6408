package evaluate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"bellwether"
)

// BinaryOptions are the settings of Binary.
type BinaryOptions struct {
	Threshold float64 // p ≥ Threshold is called positive; 0: 0.5. To act, take ProfitThreshold's
	Bootstrap int     // resamples; 0: 1,000, fewer when there are many rows; below 0: no intervals
	Level     float64 // of the intervals; 0: 0.95
	Seed      uint64
}

func (o BinaryOptions) bootstrap() bootstrap {
	return bootstrap{resamples: o.Bootstrap, level: o.Level, seed: o.Seed, unit: "rows"}
}

const (
	calibrationBins  = 15
	topShare         = 0.1 // of lift@decile
	fewestPositives  = 50
	worstCalibration = 0.05 // ECE above which probabilities are no basis for profit
	majorityMargin   = 0.01
)

// The figures of Binary, in the order of sweep's out.
const (
	accuracy = iota
	precision
	recall
	f1
	auc
	prAUC
	logLoss
	brier
	ece
	lift
	figures
)

var binaryNames = [figures]string{"accuracy", "precision", "recall", "f1", "auc", "pr-auc", "logloss", "brier", "ece", "lift@decile"}

// Binary judges the probabilities p against the classes y (0 or 1, by row): "accuracy",
// "precision", "recall", "f1" at the threshold; "auc" (ties count half), "pr-auc" (average
// precision), "logloss", "brier", "ece" (15 bins of equal mass; equal probabilities share a bin)
// and "lift@decile" (rate among the tenth with the highest p ÷ overall rate), each with an
// interval over rows. A figure that the rows do not define (AUC of one class) is left out.
//
// Fewer than 50 positives withhold the verdict; accuracy within a point of the majority's, and ECE
// above .05, are warnings. A p outside [0, 1] or a y that is no class is an error with its row.
func Binary(p, y []float64, o BinaryOptions) (map[string]bellwether.Estimate, error) {
	rows, err := newRows(p, y, o)
	if err != nil {
		return nil, err
	}
	estimates := o.bootstrap().estimates(len(rows.row), figures, rows.sweep)
	widen(&estimates[ece])
	out := name(estimates)
	rows.check(out)
	return out, nil
}

// CompareBinary returns the difference challenger − champion of each figure of Binary on the same
// rows, with paired intervals.
func CompareBinary(challenger, champion, y []float64, o BinaryOptions) (map[string]bellwether.Estimate, error) {
	a, err := newRows(challenger, y, o)
	if err != nil {
		return nil, fmt.Errorf("challenger: %w", err)
	}
	b, err := newRows(champion, y, o)
	if err != nil {
		return nil, fmt.Errorf("champion: %w", err)
	}
	toA := a.places()
	toB := b.places()
	estimates := o.bootstrap().estimates(len(y), figures, func(counts []int32, out []float64) {
		scratch, theirs := make([]int32, len(counts)), make([]float64, figures)
		for i, at := range toA {
			scratch[at] = counts[i]
		}
		a.sweep(scratch, out)
		for i, at := range toB {
			scratch[at] = counts[i]
		}
		b.sweep(scratch, theirs)
		for f := range out {
			out[f] -= theirs[f]
		}
	})
	out := name(estimates)
	for n, e := range out {
		e.Method = "paired difference, " + e.Method
		out[n] = e
	}
	return out, nil
}

// widen corrects the interval of a figure that resampling itself pushes up, as it does calibration
// error: the lower end is the basic interval's (Davison & Hinkley 1997, §5.2), as the truth may be
// that much below, and the upper end lies half a width above the value.
func widen(e *bellwether.Estimate) {
	if len(e.Interval) != 2 {
		return
	}
	lo, hi := e.Interval[0], e.Interval[1]
	e.Interval = []float64{min(max(0, 2*e.Value-hi), e.Value), e.Value + (hi-lo)/2}
	e.Method = strings.Replace(e.Method, "percentile", "corrected for the bias of resampling", 1)
}

func name(estimates []bellwether.Estimate) map[string]bellwether.Estimate {
	out := map[string]bellwether.Estimate{}
	for f, e := range estimates {
		if !math.IsNaN(e.Value) {
			out[binaryNames[f]] = e
		}
	}
	return out
}

// rows are predictions in ascending order of p.
type rows struct {
	row       []row
	threshold float64
}

type row struct {
	p, loss  float64
	at       int // in the caller's order
	positive bool
}

func newRows(p, y []float64, o BinaryOptions) (*rows, error) {
	if len(p) != len(y) || len(p) == 0 {
		return nil, fmt.Errorf("judge probabilities: %d probabilities for %d classes; both must be of the same rows, at least one", len(p), len(y))
	}
	r := &rows{row: make([]row, len(p)), threshold: o.Threshold}
	if r.threshold == 0 {
		r.threshold = 0.5
	}
	for i := range p {
		if !(p[i] >= 0 && p[i] <= 1) {
			return nil, fmt.Errorf("judge probabilities: row %d has the probability %v, not one from 0 to 1", i, p[i])
		}
		if y[i] != 0 && y[i] != 1 {
			return nil, fmt.Errorf("judge probabilities: row %d has the class %v, neither 0 nor 1", i, y[i])
		}
		r.row[i] = row{p: p[i], positive: y[i] == 1, at: i, loss: crossEntropy(p[i], y[i] == 1)}
	}
	slices.SortStableFunc(r.row, func(a, b row) int { return cmp.Compare(a.p, b.p) })
	return r, nil
}

// places returns the position in ascending order of each row of the caller.
func (r *rows) places() []int {
	out := make([]int, len(r.row))
	for i := range r.row {
		out[r.row[i].at] = i
	}
	return out
}

func crossEntropy(p float64, positive bool) float64 {
	const least = 1e-15 // a certain and wrong prediction costs 34.5, not infinity
	if !positive {
		p = 1 - p
	}
	return -math.Log(max(p, least))
}

// sweep computes all figures in one pass over the rows in ascending order of p, each counted
// counts[i] times; rows of equal p are taken together.
func (r *rows) sweep(counts []int32, out []float64) {
	total := r.totals(counts)
	s := sums{total: total}
	for lo := 0; lo < len(r.row); {
		g := group{p: r.row[lo].p}
		for ; lo < len(r.row) && r.row[lo].p == g.p; lo++ {
			c := float64(counts[lo])
			if r.row[lo].positive {
				g.positives += c
			} else {
				g.negatives += c
			}
			s.loss += c * r.row[lo].loss
		}
		if g.positives+g.negatives > 0 {
			s.add(g, g.p >= r.threshold)
		}
	}
	s.figures(out)
}

func (r *rows) totals(counts []int32) (g group) {
	for i, c := range counts {
		if r.row[i].positive {
			g.positives += float64(c)
		} else {
			g.negatives += float64(c)
		}
	}
	return g
}
