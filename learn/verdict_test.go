package learn

import (
	"math"
	"strings"
	"testing"

	"bellwether"
)

// around is a difference whose standard error is se.
func around(value, se float64) bellwether.Estimate {
	return bellwether.Estimate{Value: value, Interval: []float64{value - 1.959964*se, value + 1.959964*se}, Level: .95}
}

// TestAnswer: each condition of a promotion decides at least one of these; the bounds are 1.6449 and, of 10 candidates, 2.5758 standard errors away.
func TestAnswer(t *testing.T) {
	noInterval, withheld := bellwether.Estimate{Value: 1}, around(1, .1)
	withheld.Withheld = "few positives"
	for name, test := range map[string]struct {
		q    question
		d    bellwether.Estimate
		want bool
		text string
	}{
		"better beyond chance":                       {question{metric: "auc", candidates: 1}, around(.0165, .01), true, "bound +0.0001 of 1 candidates"},
		"better by chance":                           {question{metric: "auc", candidates: 1}, around(.0164, .01), false, "bound -0.0000"},
		"the best of ten, beyond chance":             {question{metric: "auc", candidates: 10}, around(.0258, .01), true, "of 10"},
		"the best of ten, by chance":                 {question{metric: "auc", candidates: 10}, around(.0257, .01), false, ""},
		"worse":                                      {question{metric: "auc", candidates: 1}, around(-.1, .01), false, ""},
		"refreshed, a little better":                 {question{metric: "auc", candidates: 1, refreshed: true, figure: .8}, around(.001, .01), true, "δ 0.0160"},
		"refreshed, a little worse":                  {question{metric: "auc", candidates: 1, refreshed: true, figure: .8}, around(-.001, .001), false, ""},
		"refreshed, the same":                        {question{metric: "auc", candidates: 1, refreshed: true, figure: .8}, around(0, .001), false, ""},
		"refreshed, perhaps much worse":              {question{metric: "auc", candidates: 1, refreshed: true, figure: .8}, around(.001, .0104), false, ""},
		"refreshed, perhaps much worse as one of 10": {question{metric: "auc", candidates: 10, refreshed: true, figure: .8}, around(.001, .01), false, ""},
		"less loss":                                  {question{metric: "logloss", candidates: 1}, around(-.0165, .01), true, "bound -0.0001"},
		"more loss":                                  {question{metric: "logloss", candidates: 1}, around(.0165, .01), false, ""},
		"without an interval":                        {question{metric: "auc", candidates: 1}, noInterval, false, "without an interval"},
		"withheld":                                   {question{metric: "auc", candidates: 1}, withheld, false, "few positives"},
		"the same model":                             {question{metric: "auc", candidates: 1, refreshed: true, figure: .8}, around(0, 0), false, ""},
	} {
		got, text := test.q.answer(test.d)
		if got != test.want || !strings.Contains(text, test.text) {
			t.Errorf("%s: %v, %s", name, got, text)
		}
	}
	if v := normal(.975); math.Abs(v-1.959964) > 1e-6 {
		t.Errorf("the .975 quantile is %v", v)
	}
}
