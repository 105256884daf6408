package decide

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"bellwether"
)

// Every list and text of a decision has a limit: what is at it is logged, what is beyond it is refused and leaves nothing.
func TestLimits(t *testing.T) {
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	d := newDecider(t, p, Options{HoldoutShare: -1})
	long := func(more int) string { return strings.Repeat("x", bellwether.MaxIDLength+more) }
	list := func(n int) (out []bellwether.Candidate) {
		for i := range n {
			out = append(out, bellwether.Candidate{Action: fmt.Sprint(i)})
		}
		return out
	}
	features := func(n int) map[string]float64 {
		out := map[string]float64{}
		for i := range n {
			out[fmt.Sprint(i)] = 1
		}
		return out
	}
	for name, fill := range map[string]func(r *Request, more int){
		"candidates":         func(r *Request, more int) { r.Candidates = list(MaxCandidates + more) },
		"baseline":           func(r *Request, more int) { r.Baseline = list(MaxCandidates + more) },
		"context":            func(r *Request, more int) { r.Context = features(MaxContext + more) },
		"a feature's name":   func(r *Request, more int) { r.Context = map[string]float64{long(more): 1} },
		"an action's name":   func(r *Request, more int) { r.Candidates[0].Action = long(more) },
		"a baseline's name":  func(r *Request, more int) { r.Baseline = []bellwether.Candidate{{Action: long(more)}} },
		"the key":            func(r *Request, more int) { r.Key = strings.Repeat("k", MaxKey+more) },
		"the snapshot":       func(r *Request, more int) { r.Snapshot = long(more) },
		"filters":            func(r *Request, more int) { r.Filters = make([]string, MaxFilters+more) },
		"a filter":           func(r *Request, more int) { r.Filters = []string{long(more)} },
		"purposes":           func(r *Request, more int) { r.Consent = make([]bellwether.Purpose, MaxPurposes+more) },
		"a purpose":          func(r *Request, more int) { r.Consent = []bellwether.Purpose{bellwether.Purpose(long(more))} },
		"a feature's number": func(r *Request, more int) { r.Context = map[string]float64{"x": math.Pow(10, float64(308+more))} },
	} {
		t.Run(name, func(t *testing.T) {
			for more := range 2 {
				r := Request{Key: name + fmt.Sprint(more), Subject: "ann", Surface: "home", Candidates: list(2)}
				fill(&r, more)
				_, err := d.Decide(context.Background(), r)
				if refused := errors.Is(err, ErrTooMuch); refused != (more == 1) || !refused && err != nil {
					t.Errorf("%d beyond the limit: %v", more, err)
				}
			}
		})
	}
}
