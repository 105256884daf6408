// Command gates reruns the figures that the project promises and prints a row each: name, value,
// gate, pass, seconds.
//
//	go run ./bench/gates loop [--json] [--minutes 10] [--only beauty,telco]
//	go run ./bench/gates engine [--json] [--peers] [--python PYTHON]
//
// It builds the program and runs it as a person would, in temporary folders. Checks that need
// ../shared/data are left out, saying so, when the folder is absent. It exits with 1 when a row fails.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"bellwether/bench/engine"
)

// row is one promise.
type row struct {
	Name    string  `json:"name"`
	Value   string  `json:"value"`
	Gate    string  `json:"gate"`
	Pass    bool    `json:"pass"`
	Seconds float64 `json:"seconds"`
}

// runner runs checks and gathers their rows.
type runner struct {
	ctx     context.Context
	binary  string // the program
	folder  string // temporary
	data    string // ../shared/data
	minutes float64
	twin    *engine.Twin // nil: without peers
	rows    []row
	since   time.Time
}

// check is one named part of an area.
type check struct {
	name string
	run  func(*runner) error
}

// areas are the checks by area; later applications add their own.
var areas = map[string][]check{
	"loop": {
		{"demo", demoCheck},
		{"beauty", beautyCheck},
		{"telco", telcoCheck},
		{"promote", promoteCheck},
		{"crash", crashCheck},
		{"mutations", mutationsCheck},
		{"clone", cloneCheck},
	},
	"engine": {
		{"products", productsCheck},
		{"training", trainingCheck},
		{"tables", tablesCheck},
		{"inference", inferenceCheck},
		{"portable", portableCheck},
	},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	flags := flag.NewFlagSet("gates", flag.ExitOnError)
	asJSON := flags.Bool("json", false, "one JSON document on stdout")
	minutes := flags.Float64("minutes", 10, "of training on Beauty")
	only := flags.String("only", "", "names of checks, with commas; all by default")
	peers := flags.Bool("peers", false, "measure PyTorch in alternation")
	python := flags.String("python", cmp.Or(os.Getenv("BELLWETHER_PYTHON"), "python3"), "the python that has torch (BELLWETHER_PYTHON)")
	if len(os.Args) < 2 || areas[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: gates loop|engine [--json] [--minutes 10] [--only NAME,…] [--peers [--python PYTHON]]")
		os.Exit(2)
	}
	if err := flags.Parse(os.Args[2:]); err != nil {
		os.Exit(2)
	}
	r := &runner{ctx: ctx, data: filepath.Join("..", "shared", "data"), minutes: *minutes}
	if !*peers {
		*python = ""
	}
	rows, err := r.run(areas[os.Args[1]], *only, *python)
	if shown := show(os.Stdout, rows, *asJSON); err == nil {
		err = shown
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gates:", err)
		os.Exit(1)
	}
	if slices.ContainsFunc(rows, func(r row) bool { return !r.Pass }) {
		os.Exit(1)
	}
}

// run runs checks, beside PyTorch unless python is "".
func (r *runner) run(checks []check, only, python string) ([]row, error) {
	var err error
	if r.folder, err = os.MkdirTemp("", "bellwether-gates-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(r.folder)
	r.binary = filepath.Join(r.folder, "bellwether")
	if out, err := exec.CommandContext(r.ctx, "go", "build", "-o", r.binary, "./cmd/bellwether").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the program (run this from the project's root): %w: %s", err, out)
	}
	if python != "" {
		if r.twin, err = engine.StartTwin(r.ctx, python, filepath.Join("bench", "peers", "engine_torch.py"), filepath.Dir(r.data), false); err != nil {
			return nil, err
		}
		defer r.twin.Close()
	}
	for _, c := range checks {
		if only != "" && !slices.Contains(strings.Split(only, ","), c.name) {
			continue
		}
		fmt.Fprintln(os.Stderr, "gates:", c.name)
		r.since = time.Now()
		if err := c.run(r); err != nil {
			r.add(c.name, err.Error(), "runs", false)
		}
		if r.ctx.Err() != nil {
			return r.rows, r.ctx.Err()
		}
	}
	return r.rows, nil
}

// add adds a row with the time since the last one.
func (r *runner) add(name, value, gate string, pass bool) {
	now := time.Now()
	r.rows = append(r.rows, row{Name: name, Value: value, Gate: gate, Pass: pass, Seconds: now.Sub(r.since).Seconds()})
	r.since = now
}

// shared reports whether the real data are there.
func (r *runner) shared(check string) bool {
	if _, err := os.Stat(r.data); err != nil {
		fmt.Fprintf(os.Stderr, "gates: %s left out: %s is absent\n", check, r.data)
		return false
	}
	return true
}

// program runs the program on a data folder and returns what it printed on stdout.
func (r *runner) program(data string, args ...string) ([]byte, error) {
	return r.command(".", nil, r.binary, append(args, "--data", filepath.Join(r.folder, data), "-q")...)
}

// command runs a command in a folder; its error holds the end of what it wrote on stderr.
func (r *runner) command(dir string, env []string, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(r.ctx, name, args...)
	var failed strings.Builder
	c.Dir, c.Env, c.Stderr = dir, append(os.Environ(), env...), &failed
	out, err := c.Output()
	if err != nil {
		text := failed.String() + string(out)
		return out, fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, text[max(0, len(text)-1000):])
	}
	return out, nil
}

func show(w io.Writer, rows []row, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(rows)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PASS\tNAME\tVALUE\tGATE\tSECONDS")
	for _, r := range rows {
		fmt.Fprintf(t, "%v\t%s\t%s\t%s\t%.1f\n", r.Pass, r.Name, r.Value, r.Gate, r.Seconds)
	}
	return t.Flush()
}
