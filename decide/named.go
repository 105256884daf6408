package decide

import (
	"fmt"
	"math"
)

// Named is a policy as a configuration says it.
type Named struct {
	Policy      string  `yaml:"policy" json:"policy"`                               // softmax, epsilon-greedy, threshold, uniform or greedy
	Temperature float64 `yaml:"temperature,omitempty" json:"temperature,omitempty"` // of softmax, in units of the score
	Floor       float64 `yaml:"floor,omitempty" json:"floor,omitempty"`             // share of draws among all candidates alike
	Action      string  `yaml:"action,omitempty" json:"action,omitempty"`           // of threshold: taken when its score reaches limit
	Otherwise   string  `yaml:"otherwise,omitempty" json:"otherwise,omitempty"`     // of threshold: taken when it does not
	Limit       float64 `yaml:"limit,omitempty" json:"limit,omitempty"`             // of threshold, in units of the score
}

// Make returns the policy that n names. What a policy does not know must not be said.
func (n Named) Make() (Policy, error) {
	rest := n
	rest.Policy = ""
	var p Policy
	switch n.Policy {
	case "softmax":
		p, rest.Temperature, rest.Floor = Softmax{Temperature: n.Temperature, Floor: n.Floor}, 0, 0
	case "epsilon-greedy":
		p, rest.Floor = EpsilonGreedy{Floor: n.Floor}, 0
	case "threshold":
		if n.Action == "" || n.Otherwise == "" || n.Action == n.Otherwise {
			return nil, fmt.Errorf("a threshold policy needs an action and another one otherwise, such as send and none")
		}
		p, rest = Threshold{Action: n.Action, Otherwise: n.Otherwise, Limit: n.Limit, Floor: n.Floor}, Named{}
	case "uniform":
		p = Uniform{}
	case "greedy":
		p = Greedy{}
	default:
		return nil, fmt.Errorf("there is no policy %q; there are softmax, epsilon-greedy, threshold, uniform and greedy", n.Policy)
	}
	if rest != (Named{}) {
		return nil, fmt.Errorf("the policy %s does not know all that is said of it: %+v", n.Policy, rest)
	}
	if n.Floor < 0 || n.Floor > 1 || n.Temperature < 0 || math.IsNaN(n.Floor+n.Temperature+n.Limit) || math.IsInf(n.Temperature+n.Limit, 0) {
		return nil, fmt.Errorf("the policy %s has floor %g, temperature %g and limit %g; a floor is from 0 to 1, and a temperature above 0", n.Policy, n.Floor, n.Temperature, n.Limit)
	}
	return p, nil
}
