package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether/internal/market"
	"bellwether/models/sequence"
)

// little is the preset "large" and its market in little.
func little(t *testing.T) options {
	t.Helper()
	s, err := sequence.Preset("large")
	if err != nil {
		t.Fatal(err)
	}
	h := *s.Hash
	h.Rows, h.Width, h.Own = 4000, 8, 100
	s.Hash, s.Dim, s.Heads, s.Experts, s.Negatives, s.Batch = &h, 16, 2, 4, 32, 8
	w := market.Stream()
	w.Customers, w.Items = 400, 3000
	return options{World: w, Settings: &s, Dir: t.TempDir(), Steps: 40, Seed: 1, Progress: &bytes.Buffer{}}
}

func TestRun(t *testing.T) {
	o := little(t)
	r, err := run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !r.LoadedEqual || !r.ResumedEqual || r.ResumedFrom != 30 {
		t.Errorf("%+v: want the model equal when mapped, and when resumed from step 30", r)
	}
	if !(r.LastLoss < r.FirstLoss) || r.PerSecond <= 0 || r.Tokens < 40*8 || r.Parameters < 4000*8 {
		t.Errorf("%+v: want a loss that falls, and counts", r)
	}
}

// A finished run that is found again is not trained again; a damaged one is an error.
func TestRunGoesOn(t *testing.T) {
	o := little(t)
	o.Steps = 20
	first, err := run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	again, err := run(context.Background(), o)
	if err != nil || !again.ResumedEqual || again.Tokens != first.Tokens || again.FirstLoss != first.FirstLoss {
		t.Errorf("%+v after %+v: want a run that was done before: %v", again, first, err)
	}
	name := filepath.Join(o.Dir, "checkpoint.safetensors")
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, file[:len(file)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("error %v does not say what to do", err)
	}
}

func TestRefusesSteps(t *testing.T) {
	o := little(t)
	o.Steps = 15
	if _, err := run(context.Background(), o); err == nil {
		t.Error("15 steps were accepted")
	}
}
