package evaluate

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"bellwether"
)

// check adds the warnings of docs/science.md §3 to the figures of Binary.
func (r *rows) check(out map[string]bellwether.Estimate) {
	positives := 0
	for i := range r.row {
		if r.row[i].positive {
			positives++
		}
	}
	majority := float64(max(positives, len(r.row)-positives)) / float64(len(r.row))
	if e := out["accuracy"]; e.Value <= majority+majorityMargin {
		warn(out, "accuracy", fmt.Sprintf("accuracy %.3f is no more than a point above %.3f, which always naming the larger class reaches; judge by auc and lift", e.Value, majority))
	}
	if e := out["ece"]; e.Value > worstCalibration {
		warn(out, "ece", fmt.Sprintf("calibration error %.3f is above %.2f: thresholds by profit are refused; calibrate on validation", e.Value, worstCalibration))
	}
	if positives >= fewestPositives {
		return
	}
	for name, e := range out {
		e.Withheld = fmt.Sprintf("%d positives, fewer than %d: wait for more data or join rarer outcomes", positives, fewestPositives)
		out[name] = e
	}
}

func warn(out map[string]bellwether.Estimate, name, warning string) {
	e := out[name]
	e.Warnings = append(e.Warnings, warning)
	out[name] = e
}

// ProfitThreshold returns τ* = cost/value: contacting everyone with p ≥ τ* maximises the expected
// profit Σ (p·value − cost) when p is calibrated. value is the worth of a true positive and cost
// that of a contact, in one currency. It refuses when the ece of Binary is above .05, and says so when
// nobody can be worth a contact.
func ProfitThreshold(cost, value float64, ece bellwether.Estimate) (float64, error) {
	switch {
	case !(cost >= 0) || !(value > 0) || math.IsInf(cost, 0) || math.IsInf(value, 0):
		return 0, fmt.Errorf("threshold by profit: cost %v and value %v; the cost must be 0 or more and the value above 0", cost, value)
	case cost > value:
		return 0, fmt.Errorf("threshold by profit: a contact costs %v, more than the %v it can bring: contact nobody", cost, value)
	case !(ece.Value <= worstCalibration):
		return 0, fmt.Errorf("threshold by profit: the calibration error %.3f is above %.2f, so the probabilities are no basis; calibrate on validation", ece.Value, worstCalibration)
	}
	return cost / value, nil
}

// Uncalibrated says why probabilities with these figures of Binary may not be shown or decided on: their calibration error lies above .05 beyond
// chance, or is not known. "" means that they may.
func Uncalibrated(figures map[string]bellwether.Estimate) string {
	e, ok := figures["ece"]
	switch {
	case !ok:
		return "whether its probabilities are calibrated was never checked"
	case len(e.Interval) == 2 && !(e.Interval[0] <= worstCalibration):
		return fmt.Sprintf("its calibration error %.3f [%.3f, %.3f] is above %.2f beyond chance", e.Value, e.Interval[0], e.Interval[1], worstCalibration)
	case len(e.Interval) != 2 && !(e.Value <= worstCalibration):
		return fmt.Sprintf("its calibration error %.3f is above %.2f", e.Value, worstCalibration)
	}
	return ""
}

// leakAUC is the AUC of one feature alone above which it is taken for a leak of the target.
const leakAUC = 0.98

// CheckLeaks returns an error that names each column which alone tells the classes apart with an
// AUC above .98 (by its number, or by its levels' rates on other rows), except those named in
// allowed: such a column is usually a record of the outcome itself. A target that is no pair of classes has none.
func CheckLeaks(t *bellwether.Table, allowed ...string) error {
	if slices.ContainsFunc(t.Target, func(y float64) bool { return y != 0 && y != 1 }) {
		return nil
	}
	var leaks []error
	for i := range t.Columns {
		c := &t.Columns[i]
		if slices.Contains(allowed, c.Name) {
			continue
		}
		if a := alone(c, t.Target); a > leakAUC {
			leaks = append(leaks, fmt.Errorf("column %q alone has AUC %.3f, above %.2f: likely a leak of the target; drop it, or allow it by name", c.Name, a, leakAUC))
		}
	}
	return errors.Join(leaks...)
}

// alone returns the AUC of one column, whichever direction is better; NaN if it is not defined.
func alone(c *bellwether.Column, y []float64) float64 {
	var score []float64
	var target []float64
	if c.Categorical() {
		score, target = rates(c, y), oddRows(y)
	} else {
		for i, v := range c.Numbers {
			if !math.IsNaN(v) {
				score, target = append(score, v), append(target, y[i])
			}
		}
	}
	a := areaUnder(score, target)
	return max(a, 1-a)
}

// rates returns, for each odd row, the target's rate among the even rows of the same level.
func rates(c *bellwether.Column, y []float64) []float64 {
	sum, n := map[int32]float64{}, map[int32]float64{}
	mean, out := 0.0, []float64{}
	for i := 0; i < len(y); i += 2 {
		sum[c.Codes[i]] += y[i]
		n[c.Codes[i]]++
		mean += y[i] / float64((len(y)+1)/2)
	}
	for i := 1; i < len(y); i += 2 {
		k := c.Codes[i]
		out = append(out, (sum[k]+mean)/(n[k]+1))
	}
	return out
}

func oddRows(y []float64) (out []float64) {
	for i := 1; i < len(y); i += 2 {
		out = append(out, y[i])
	}
	return out
}

// areaUnder returns the AUC of any scores; NaN for one class.
func areaUnder(score, y []float64) float64 {
	r := rows{row: make([]row, len(score))}
	for i, v := range score {
		r.row[i] = row{p: v, positive: y[i] == 1}
	}
	slices.SortFunc(r.row, func(a, b row) int { return cmp.Compare(a.p, b.p) })
	counts := make([]int32, len(score))
	for i := range counts {
		counts[i] = 1
	}
	out := make([]float64, figures)
	r.sweep(counts, out)
	return out[auc]
}

// SequenceWarnings returns what makes sequences a poor basis for a model of order.
func SequenceWarnings(q *bellwether.Sequences) []string {
	var lengths []int
	for _, s := range q.Steps {
		lengths = append(lengths, len(s))
	}
	if len(lengths) == 0 {
		return []string{"there is nobody with an event: import events first"}
	}
	slices.Sort(lengths)
	if median := lengths[len(lengths)/2]; median < 3 {
		return []string{fmt.Sprintf("half of the people have %d events or fewer, less than 3: popularity is recommended until there are more", median)}
	}
	return nil
}
