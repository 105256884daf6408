package decide

import (
	"math"
	"testing"
)

// TestNamed: each policy can be configured, with what it knows and nothing else.
func TestNamed(t *testing.T) {
	for want, n := range map[string]Named{
		"softmax/1;t=0.5;e=0.1":                      {Policy: "softmax", Temperature: .5, Floor: .1},
		"softmax/1;t=1;e=0.02":                       {Policy: "softmax"},
		"epsilon-greedy/1;e=0.05":                    {Policy: "epsilon-greedy", Floor: .05},
		"threshold/1;send>=0.3;else=none;e=0.02":     {Policy: "threshold", Action: "send", Otherwise: "none", Limit: .3},
		"threshold/1;coupon>=-1;else=nothing;e=0.25": {Policy: "threshold", Action: "coupon", Otherwise: "nothing", Limit: -1, Floor: .25},
		"uniform/1": {Policy: "uniform"},
		"greedy/1":  {Policy: "greedy"},
	} {
		if p, err := n.Make(); err != nil || string(p.ID()) != want {
			t.Errorf("%+v is %v, %v; want %s", n, p, err, want)
		}
	}
	for name, n := range map[string]Named{
		"nothing":                     {},
		"an unknown one":              {Policy: "oracle"},
		"a threshold of nothing":      {Policy: "threshold", Action: "send", Limit: 1},
		"a threshold of one action":   {Policy: "threshold", Action: "send", Otherwise: "send"},
		"a greedy one that explores":  {Policy: "greedy", Floor: .1},
		"a uniform one with a limit":  {Policy: "uniform", Limit: 2},
		"an ε-greedy one that is hot": {Policy: "epsilon-greedy", Temperature: 1},
		"too much exploration":        {Policy: "softmax", Floor: 1.5},
		"a negative floor":            {Policy: "epsilon-greedy", Floor: -.1},
		"a negative temperature":      {Policy: "softmax", Temperature: -1},
		"a limit that is no number":   {Policy: "threshold", Action: "a", Otherwise: "b", Limit: math.NaN()},
	} {
		if p, err := n.Make(); err == nil {
			t.Errorf("%s is %s", name, p.ID())
		}
	}
}
