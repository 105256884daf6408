package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
)

// largeCheck trains the preset of a billion parameters in a process of its own.
func largeCheck(r *runner) error {
	program := filepath.Join(r.folder, "large")
	if _, err := r.command(".", nil, "go", "build", "-o", program, "./bench/large"); err != nil {
		return err
	}
	out, err := r.command(".", nil, program, "-dir", r.folder)
	if err != nil {
		return err
	}
	return r.judgeLarge(out)
}

// judgeLarge adds the rows of what bench/large printed.
func (r *runner) judgeLarge(out []byte) error {
	var d struct {
		Parameters   int64
		Steps        int
		FirstLoss    float64 `json:"first_loss"`
		LastLoss     float64 `json:"last_loss"`
		PerSecond    float64 `json:"tokens_per_second"`
		PeakGiB      float64 `json:"peak_rss_gib"`
		LoadedEqual  bool    `json:"loaded_equal"`
		ResumedFrom  int     `json:"resumed_from"`
		ResumedEqual bool    `json:"resumed_equal"`
	}
	if err := json.Unmarshal(out, &d); err != nil {
		return fmt.Errorf("bench/large printed %.500s: %w", out, err)
	}
	r.add("large: parameters", fmt.Sprintf("%.4f billion", float64(d.Parameters)/1e9), "≥ 1.0 billion", d.Parameters >= 1e9)
	r.add("large: steps", fmt.Sprint(d.Steps), "≥ 300", d.Steps >= 300)
	r.add("large: loss", fmt.Sprintf("%.4f at first, %.4f at last", d.FirstLoss, d.LastLoss), "falls", d.LastLoss > 0 && d.LastLoss < d.FirstLoss)
	r.add("large: peak of resident memory", fmt.Sprintf("%.2f GiB", d.PeakGiB), "≤ 24 GiB", d.PeakGiB > 0 && d.PeakGiB <= 24)
	r.add(fmt.Sprintf("large: resumed from step %d", d.ResumedFrom), fmt.Sprint(d.ResumedEqual), "the same bits", d.ResumedEqual)
	r.add("large: saved and mapped", fmt.Sprint(d.LoadedEqual), "the same scores", d.LoadedEqual)
	r.add("large: tokens a second", fmt.Sprintf("%.0f", d.PerSecond), "shown", d.PerSecond > 0)
	return nil
}
