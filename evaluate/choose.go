package evaluate

import (
	"fmt"

	"bellwether"
)

// LowerIsBetter names the figures that a better model has less of.
func LowerIsBetter(metric string) bool {
	return metric == "logloss" || metric == "brier" || metric == "ece"
}

// Choose returns the name of the row with the best validation figure, and a sentence that says why;
// of equal rows the earlier. A row whose verdict is withheld cannot replace a baseline. Test figures
// are never looked at. The name is empty if no row has the metric.
func Choose(rows []bellwether.CardRow, metric string) (name, reason string) {
	best := better(rows, metric, func(r bellwether.CardRow) bool { return r.Baseline || r.Validation[metric].Withheld == "" })
	if best == nil {
		return "", fmt.Sprintf("no row has the validation figure %q", metric)
	}
	reason = fmt.Sprintf("%s has the best validation %s, %s", best.Name, metric, describe(best.Validation[metric]))
	if rival := better(rows, metric, func(r bellwether.CardRow) bool { return r.Baseline && r.Name != best.Name }); rival != nil {
		reason += fmt.Sprintf("; the best baseline beside it, %s, has %s", rival.Name, describe(rival.Validation[metric]))
	}
	if best.Baseline {
		reason += "; it is a baseline that no other model beats, so none is promoted over it"
	}
	if withheld := better(rows, metric, func(r bellwether.CardRow) bool { return !r.Baseline && r.Validation[metric].Withheld != "" }); withheld != nil {
		reason += fmt.Sprintf("; the verdict on %s is withheld: %s", withheld.Name, withheld.Validation[metric].Withheld)
	}
	return best.Name, reason
}

// better returns the row with the best validation metric among those that may be taken.
func better(rows []bellwether.CardRow, metric string, may func(bellwether.CardRow) bool) *bellwether.CardRow {
	var best *bellwether.CardRow
	sign := 1.0
	if LowerIsBetter(metric) {
		sign = -1
	}
	for i := range rows {
		e, ok := rows[i].Validation[metric]
		if ok && may(rows[i]) && (best == nil || sign*e.Value > sign*best.Validation[metric].Value) {
			best = &rows[i]
		}
	}
	return best
}

// describe writes an estimate with its interval, "0.0515 [0.0490, 0.0541]", or says that it has none.
func describe(e bellwether.Estimate) string {
	text := fmt.Sprintf("%.4f (point)", e.Value)
	if len(e.Interval) == 2 {
		text = fmt.Sprintf("%.4f [%.4f, %.4f]", e.Value, e.Interval[0], e.Interval[1])
	}
	if e.Withheld != "" {
		text += " (withheld)"
	}
	return text
}
