package decide

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"bellwether"
)

// ErrTooMuch means that a request asks for more than one decision may hold: what it holds is logged, and shown on every page
// that lists it.
var ErrTooMuch = errors.New("more than a decision may hold")

// Limits of one decision. Texts, such as the names of actions, have [bellwether.MaxIDLength] bytes at most.
const (
	MaxCandidates = 5000
	MaxContext    = 100 // features
	MaxPurposes   = 100
	MaxFilters    = 100
	MaxKey        = 1000 // bytes of an idempotency key
)

// checkSizes holds a request to the limits.
func (r *Request) checkSizes() error {
	for _, list := range []struct {
		name      string
		has, most int
	}{
		{"candidates", len(r.Candidates), MaxCandidates},
		{"baseline", len(r.Baseline), MaxCandidates},
		{"context", len(r.Context), MaxContext},
		{"consent", len(r.Consent), MaxPurposes},
		{"filters", len(r.Filters), MaxFilters},
	} {
		if list.has > list.most {
			return fmt.Errorf("%w: %d entries of %s; at most %d", ErrTooMuch, list.has, list.name, list.most)
		}
	}
	texts := func(name string, text string) error {
		if len(text) > bellwether.MaxIDLength {
			return fmt.Errorf("%w: %d bytes of %s; at most %d", ErrTooMuch, len(text), name, bellwether.MaxIDLength)
		}
		return nil
	}
	if strings.ContainsFunc(r.Key, unicode.IsControl) || !utf8.ValidString(r.Key) {
		return fmt.Errorf("%w: the idempotency key %q has characters that are no text", ErrRequest, r.Key)
	}
	errs := []error{texts("the snapshot", r.Snapshot)}
	if len(r.Key) > MaxKey {
		errs = append(errs, fmt.Errorf("%w: an idempotency key of %d bytes; at most %d", ErrTooMuch, len(r.Key), MaxKey))
	}
	for _, c := range [][]bellwether.Candidate{r.Candidates, r.Baseline} {
		for i := range c {
			errs = append(errs, texts("an action's name", c[i].Action))
		}
	}
	for name, value := range r.Context {
		errs = append(errs, texts("a feature's name", name))
		if math.IsNaN(value) || math.IsInf(value, 0) {
			errs = append(errs, fmt.Errorf("%w: the feature %q is %g; features are finite", ErrTooMuch, name, value))
		}
	}
	for _, f := range r.Filters {
		errs = append(errs, texts("a filter", f))
	}
	for _, p := range r.Consent {
		errs = append(errs, texts("a purpose", string(p)))
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
