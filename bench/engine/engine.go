// Package engine times what DESIGN §8 promises of the numeric engine: kernels,
// training steps, row updates of large tables, and answers for one person; and,
// in alternation with it, the PyTorch twin of each in bench/peers. `bellwether
// bench` prints its rows, bench/gates holds them against their bars.
package engine

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Case is something to time. Its name says the shape, and is the name of its twin.
type Case struct {
	Name       string
	Operations float64 // floating-point operations of a run, 0: not counted
	Items      float64 // users, tokens or rows of a run, 0: not counted
	Open       func(ctx context.Context) (Run, error)
}

// Run is a case with its data in memory.
type Run interface {
	// Sample does n runs and returns the time of each.
	Sample(n int) ([]time.Duration, error)
	Close()
}

// Suites are the cases by name of the suite. shared is the folder of the data
// sets; cases whose data are absent are left out.
func Suites(shared string) map[string][]Case {
	return map[string][]Case{
		"engine": kernels(),
		"train":  trainings(shared),
		"sparse": tables(),
		"infer":  inferences(),
	}
}

// Options say how to measure; the zero value is ready.
type Options struct {
	Only         string // cases whose name contains this
	Times        int    // runs of a measurement, of which the median is taken; 0 means 25
	Processor    bool   // processor time with one thread instead of time on the wall, for a machine that others use
	Alternations int    // measurements of a case, each followed by one of its twin; 0 means 5 with a twin, else 1
	Twin         *Twin  // nil: alone
}

// Row is what was measured of a case: medians of the alternations.
type Row struct {
	Name      string  `json:"name"`
	Median    float64 `json:"median_ms"`
	Least     float64 `json:"least_ms"`
	GFLOPS    float64 `json:"gflops,omitempty"`     // at the median
	OfPeak    float64 `json:"of_peak,omitempty"`    // share of what the machine reaches in cache
	PerSecond float64 `json:"per_second,omitempty"` // users, tokens or rows
	Twin      float64 `json:"pytorch_ms,omitempty"`
	Ratio     float64 `json:"ratio,omitempty"`      // median of PyTorch's time by ours, pair by pair
	RatioLow  float64 `json:"ratio_low,omitempty"`  // the least of the pairs
	RatioHigh float64 `json:"ratio_high,omitempty"` // the greatest
}

// Measure times cases.
func Measure(ctx context.Context, cases []Case, o Options) ([]Row, error) {
	if o.Times == 0 {
		o.Times = 25
	}
	if o.Alternations == 0 {
		o.Alternations = 1
		if o.Twin != nil {
			o.Alternations = 5
		}
	}
	if o.Processor {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		clock = processorTime
		defer func() { clock = wall }()
	}
	peak, rows := peakRate(), []Row(nil)
	for _, c := range cases {
		if !strings.Contains(c.Name, o.Only) {
			continue
		}
		row, err := o.measure(ctx, c)
		if err != nil {
			return rows, fmt.Errorf("bench %s: %w", c.Name, err)
		}
		row.OfPeak = row.GFLOPS / peak
		rows = append(rows, row)
	}
	return rows, nil
}

// measure times one case, and its twin if there is one.
func (o *Options) measure(ctx context.Context, c Case) (Row, error) {
	run, err := c.Open(ctx)
	if err != nil {
		return Row{}, err
	}
	defer run.Close()
	if _, err := run.Sample(3); err != nil {
		return Row{}, err
	}
	var ours, least, theirs, ratios []float64
	for range o.Alternations {
		times, err := run.Sample(o.Times)
		if err != nil {
			return Row{}, err
		}
		ours, least = append(ours, milliseconds(median(times))), append(least, milliseconds(slices.Min(times)))
		if o.Twin == nil {
			continue
		}
		twin, err := o.Twin.measure(ctx, c.Name, o.Times)
		if err != nil {
			return Row{}, err
		}
		theirs, ratios = append(theirs, twin), append(ratios, twin/ours[len(ours)-1])
	}
	row := Row{Name: c.Name, Median: median(ours), Least: slices.Min(least)}
	row.GFLOPS, row.PerSecond = c.Operations/row.Median/1e6, c.Items/row.Median*1e3
	if o.Twin != nil {
		row.Twin, row.Ratio, row.RatioLow, row.RatioHigh = median(theirs), median(ratios), slices.Min(ratios), slices.Max(ratios)
	}
	return row, nil
}

func median[T int64 | float64 | time.Duration](x []T) T {
	sorted := slices.Sorted(slices.Values(x))
	return sorted[len(sorted)/2]
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

// clock is the time that is measured; Measure sets it.
var clock = wall

// wall is the time on the wall, from some start.
func wall() time.Duration { return time.Since(started) }

var started = time.Now()
