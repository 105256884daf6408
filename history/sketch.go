package history

import (
	"fmt"
	"math"
	"slices"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"
)

// sketchAccuracy is the relative error of a median that comes from a sketch.
const sketchAccuracy = 0.005

// sketch counts numbers so that their median is known without keeping them: exactly while there are few different ones,
// then within sketchAccuracy. Its state does not depend on the order of what came in, so that parts merge to the same.
type sketch struct {
	n     int64
	exact map[float64]int64
	rough *ddsketch.DDSketch // nil while exact counts
}

// maxExact is how many different numbers are counted exactly.
const maxExact = 256

func newSketch() *sketch { return &sketch{exact: map[float64]int64{}} }

// farthest is the number beyond which all are counted as one: the sketch tells none apart that are near the largest that there is.
const farthest = 1e300

func (s *sketch) add(v float64, n int64) error {
	v = max(-farthest, min(v, farthest))
	s.n += n
	if s.rough != nil {
		return s.addRough(v, n)
	}
	s.exact[v] += n
	if len(s.exact) > maxExact {
		return s.roughen()
	}
	return nil
}

func (s *sketch) addRough(v float64, n int64) error {
	if err := s.rough.AddWithCount(v, float64(n)); err != nil {
		return fmt.Errorf("history: counting %g: %w", v, err)
	}
	return nil
}

// roughen goes over to a sketch.
func (s *sketch) roughen() error {
	m, err := mapping.NewLogarithmicMapping(sketchAccuracy)
	if err != nil {
		return fmt.Errorf("history: making a sketch: %w", err)
	}
	s.rough = ddsketch.NewDDSketch(m, store.NewSparseStore(), store.NewSparseStore())
	for v, n := range s.exact {
		if err := s.addRough(v, n); err != nil {
			return err
		}
	}
	s.exact = nil
	return nil
}

// merge takes in what another sketch counted.
func (s *sketch) merge(o *sketch) error {
	if o.rough == nil {
		for v, n := range o.exact {
			if err := s.add(v, n); err != nil {
				return err
			}
		}
		return nil
	}
	if s.rough == nil {
		if err := s.roughen(); err != nil {
			return err
		}
	}
	s.n += o.n
	if err := s.rough.MergeWith(o.rough); err != nil {
		return fmt.Errorf("history: merging sketches: %w", err)
	}
	return nil
}

// counted is a number and how often it came.
type counted struct {
	value float64
	n     int64
}

// values are the numbers in their order.
func (s *sketch) values() []counted {
	out := make([]counted, 0, len(s.exact))
	for v, n := range s.exact {
		out = append(out, counted{v, n})
	}
	if s.rough != nil {
		s.rough.ForEach(func(v, n float64) bool {
			out = append(out, counted{v, int64(math.Round(n))})
			return false
		})
	}
	slices.SortFunc(out, func(a, b counted) int {
		if a.value < b.value {
			return -1
		}
		return 1
	})
	return out
}

// median is the lower of the two middle ones of numbers in their order.
func median(values []counted) float64 {
	total := int64(0)
	for _, v := range values {
		total += v.n
	}
	rest := (total - 1) / 2
	for _, v := range values {
		if rest -= v.n; rest < 0 {
			return v.value
		}
	}
	return 0
}

// deviation is the median of the numbers' distances from a centre.
func deviation(values []counted, centre float64) float64 {
	out := make([]counted, len(values))
	for i, v := range values {
		out[i] = counted{math.Abs(v.value - centre), v.n}
	}
	slices.SortFunc(out, func(a, b counted) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	return median(out)
}
