package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"bellwether/bench/engine"
)

// bar is the least ratio of PyTorch's time to ours in a case.
type bar struct {
	name  string
	ratio float64
	times int // runs of a measurement
}

// against measures cases of a suite, beside PyTorch if --peers was given, and adds a row each.
func (r *runner) against(suite string, bars []bar) (map[string]engine.Row, error) {
	cases, found := map[string]engine.Case{}, map[string]engine.Row{}
	for _, c := range engine.Suites(filepath.Dir(r.data))[suite] {
		cases[c.Name] = c
	}
	for _, b := range bars {
		c, ok := cases[b.name]
		if !ok {
			fmt.Fprintf(os.Stderr, "gates: %s left out: its data are absent\n", b.name)
			continue
		}
		rows, err := engine.Measure(r.ctx, []engine.Case{c}, engine.Options{Times: b.times, Twin: r.twin, Alternations: 5})
		if err != nil {
			return found, err
		}
		row := rows[0]
		found[b.name] = row
		if r.twin == nil {
			r.add(b.name, fmt.Sprintf("%.4g ms", row.Median), "shown; against PyTorch with --peers", true)
			continue
		}
		r.add(b.name, fmt.Sprintf("%.2f × (%.2f–%.2f): %.4g ms, PyTorch %.4g ms", row.Ratio, row.RatioLow, row.RatioHigh, row.Median, row.Twin),
			fmt.Sprintf("≥ %g × PyTorch", b.ratio), row.Ratio >= b.ratio)
	}
	return found, nil
}

func productsCheck(r *runner) error {
	var bars []bar
	for _, s := range engine.Products {
		times := 25
		if s[0]*s[1]*s[2] < 1<<28 {
			times = 101
		}
		bars = append(bars, bar{fmt.Sprintf("MatMul/%dx%dx%d", s[0], s[1], s[2]), .9, times})
	}
	rows, err := r.against("engine", bars)
	if err != nil || r.twin == nil {
		return err
	}
	var sum float64
	for _, row := range rows {
		sum += math.Log(row.Ratio)
	}
	mean := math.Exp(sum / float64(len(rows)))
	r.add("MatMul: geometric mean", fmt.Sprintf("%.2f ×", mean), "≥ 1.1 × PyTorch", mean >= 1.1)
	return nil
}

func trainingCheck(r *runner) error {
	_, err := r.against("train", []bar{
		{"SASRec/200/bce", 3, 5}, {"SASRec/200/full", 3, 5}, {"Beauty/plain/2", 3, 20}, {"Beauty/ligr/1", 3, 20}, {"DNN/128-64-1/32", 10, 500},
	})
	return err
}

func tablesCheck(r *runner) error {
	if _, err := r.against("sparse", []bar{{"RowWiseAdam/8192of4000000x64", 8, 15}}); err != nil {
		return err
	}
	// Where the system puts a table decides how far its rows are: each alternation has tables of its own.
	var ratios []float64
	peak := 0.
	for range 5 {
		small, _, err := r.alone("sparse", "RowWiseAdam/8192of156000x64")
		if err != nil {
			return err
		}
		large, held, err := r.alone("sparse", "RowWiseAdam/8192of15625000x64")
		if err != nil {
			return err
		}
		ratios, peak = append(ratios, large/small), max(peak, held)
	}
	slices.Sort(ratios)
	r.add("a billion parameters against 10 million", fmt.Sprintf("%.2f × (%.2f–%.2f)", ratios[2], ratios[0], ratios[4]), "≤ 2 × the time", ratios[2] <= 2)
	const table = 15_625_000 * 64 * 4. / (1 << 30)
	r.add("a billion parameters: resident memory in training", fmt.Sprintf("%.2f × the table (%.2f GiB)", peak/table, peak), "≤ 1.2 ×", peak > 0 && peak <= 1.2*table)
	return nil
}

// alone measures a case in a process of its own: its median in milliseconds and the most memory of the process in GiB.
func (r *runner) alone(suite, name string) (ms, peak float64, err error) {
	out, err := r.program("unused", "bench", suite, "--only", name, "--times", "50")
	if err != nil {
		return 0, 0, err
	}
	var d struct {
		Rows []engine.Row
		Peak float64 `json:"peak_rss_gib"`
	}
	if err := json.Unmarshal(out, &d); err != nil || len(d.Rows) != 1 {
		return 0, 0, fmt.Errorf("bench %s --only %s printed %s: %w", suite, name, out, err)
	}
	return d.Rows[0].Median, d.Peak, nil
}

func inferenceCheck(r *runner) error {
	_, err := r.against("infer", []bar{{"Infer/200/history", 3, 101}, {"Infer/200/event", 30, 101}})
	return err
}

// portableCheck runs the engine's tests, in which each level is compared with the portable one, and the models' without vector instructions.
func portableCheck(r *runner) error {
	_, err := r.command(".", []string{"BELLWETHER_CPU=portable"}, "go", "test", "-count=1", "./tensor/...", "./models/...")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	r.add("portable kernels", fmt.Sprint(err == nil), "within 2e-5 of AVX-512, all tests green", err == nil)
	return nil
}
