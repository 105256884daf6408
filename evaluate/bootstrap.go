package evaluate

import (
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"

	"bellwether"
)

const (
	defaultResamples = 1000
	defaultLevel     = 0.95
	drawsWanted      = 200_000_000 // fewer resamples are taken of larger data, down to fewest
	fewestResamples  = 200
)

// bootstrap resamples n units with replacement.
type bootstrap struct {
	resamples int // 0: 1,000, fewer for much data; below 0: none, point estimates
	level     float64
	seed      uint64
	unit      string // what is resampled: "people", "rows"
}

// statistic computes figures of a sample in which unit i occurs counts[i] times. A figure that is
// not defined for the sample is NaN. It is called concurrently.
type statistic func(counts []int32, out []float64)

// estimates returns, for each of the figures of stat, the value on the whole sample with a
// percentile interval (Efron & Tibshirani 1993, §13.3).
func (b bootstrap) estimates(n, figures int, stat statistic) []bellwether.Estimate {
	b = b.withDefaults(n)
	once := make([]int32, n)
	for i := range once {
		once[i] = 1
	}
	value := make([]float64, figures)
	stat(once, value)
	out := make([]bellwether.Estimate, figures)
	for f := range out {
		out[f] = bellwether.Estimate{Value: value[f], N: int64(n), NEffective: float64(n), Method: "mean over " + b.unit + ", no interval"}
	}
	if b.resamples <= 0 || n == 0 {
		return out
	}
	for f, values := range b.run(n, figures, stat) {
		out[f].Level = b.level
		out[f].Interval = interval(values, b.level)
		out[f].Method = fmt.Sprintf("bootstrap over %s, %d resamples, percentile", b.unit, b.resamples)
	}
	return out
}

func (b bootstrap) withDefaults(n int) bootstrap {
	if b.resamples == 0 {
		b.resamples = min(defaultResamples, max(fewestResamples, drawsWanted/max(n, 1)))
	}
	if b.level <= 0 || b.level >= 1 {
		b.level = defaultLevel
	}
	return b
}

// run returns the figures of every resample, [figure][resample].
func (b bootstrap) run(n, figures int, stat statistic) [][]float64 {
	values := make([][]float64, figures)
	for f := range values {
		values[f] = make([]float64, b.resamples)
	}
	workers := min(runtime.GOMAXPROCS(0), b.resamples)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			counts, out := make([]int32, n), make([]float64, figures)
			for r := w; r < b.resamples; r += workers {
				b.draw(r, counts)
				stat(counts, out)
				for f, v := range out {
					values[f][r] = v
				}
			}
		})
	}
	wait.Wait()
	return values
}

// draw sets counts to resample r: len(counts) draws, each a hash of seed, r and its number.
func (b bootstrap) draw(r int, counts []int32) {
	clear(counts)
	n := uint64(len(counts))
	key := mix(b.seed ^ mix(uint64(r)+golden))
	for i := range n {
		at, _ := bits.Mul64(mix(key+i*golden), n)
		counts[at]++
	}
}

const golden = 0x9E3779B97F4A7C15

// mix is the finaliser of SplitMix64 (Steele, Lea & Flood 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// interval returns the central percentiles of the defined values; nil if there are none.
func interval(values []float64, level float64) []float64 {
	defined := slices.DeleteFunc(slices.Clone(values), math.IsNaN)
	if len(defined) == 0 {
		return nil
	}
	slices.Sort(defined)
	return []float64{quantile(defined, (1-level)/2), quantile(defined, (1+level)/2)}
}

// quantile interpolates the q-quantile of sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	lo := int(at)
	if lo+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[lo] + (at-float64(lo))*(sorted[lo+1]-sorted[lo])
}
