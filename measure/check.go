package measure

// Strength is what a failed check does.
type Strength string

// The strengths (docs/science.md §0.2).
const (
	Passed   Strength = "passed"
	Warning  Strength = "warning"
	Withheld Strength = "withheld" // number with interval, no recommendation
	Failed   Strength = "error"    // no number is given
)

// Check is one assumption, what was measured of it, and what to do when it does not hold.
type Check struct {
	Name     string   `json:"name"`
	Strength Strength `json:"strength"`
	Measured float64  `json:"measured"`
	Limit    float64  `json:"limit"`
	Message  string   `json:"message"` // the assumption and, when it failed, the repair
}

// check returns a Check that has the strength when failed and Passed otherwise.
func check(name string, failed bool, strength Strength, measured, limit float64, message string) Check {
	if !failed {
		strength = Passed
	}
	return Check{Name: name, Strength: strength, Measured: measured, Limit: limit, Message: message}
}

// first returns the first check of the strength, or nil.
func first(checks []Check, s Strength) *Check {
	for i := range checks {
		if checks[i].Strength == s {
			return &checks[i]
		}
	}
	return nil
}
