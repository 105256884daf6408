// Command gates reruns the figures that the project promises and prints a row each: name, value,
// gate, pass, seconds.
//
//	go run ./bench/gates loop [--json] [--minutes 10] [--only beauty,telco]
//	go run ./bench/gates engine [--json] [--minutes 15] [--only beauty,games,ml-100k] [--peers [--python PYTHON]]
//	go run ./bench/gates house [--json] [--only names,lines]
//	go run ./bench/gates truth [--json] [--minutes 10] [--only protocols,demo,deskdrop]
//	go run ./bench/gates growth [--json] [--only 2m,8m]
//	go run ./bench/gates reliability [--json] [--share .02] [--only kills,soak]
//	go run ./bench/gates behaviour [--json] [--only trees,shap] [--peers [--python PYTHON]]
//	go run ./bench/gates faults [--json] [--cases FOLDER] [--only 08,17]
//
// It builds the program and runs it as a person would, in temporary folders. Checks that need
// ../shared/data are left out, saying so, when the folder is absent. It exits with 1 when a row fails.
// Of the engine's checks beauty, games and ml-100k train for --minutes and, with --peers, as long
// again in PyTorch; large takes an hour on two cores, 16 GiB of memory and 20 GiB of disk. Of reliability's
// full counts (1,000 kills, two hours of soak and more) --share does a part.
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
	"bellwether/bench/growth"
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
	binary  string   // the program
	folder  string   // temporary
	data    string   // ../shared/data
	cases   string   // ../shared/cases
	folders []string // of cases, by how they begin; none: all
	minutes float64
	share   float64      // of the full counts of kills, requests and the like
	python  string       // that has the peers; "": without peers
	twin    *engine.Twin // nil: without peers
	rows    []row
	since   time.Time

	smallest *growth.Result // of this run's sizes
}

// check is one named part of an area.
type check struct {
	name string
	run  func(*runner) error
}

// area is what one issue promises.
type area struct {
	minutes float64 // of training, unless --minutes says other
	checks  []check
	tables  bool // its peer is LightGBM and not PyTorch
}

// areas by name; later applications add their own.
var areas = map[string]area{
	"loop": {minutes: 10, checks: []check{
		{"demo", demoCheck},
		{"beauty", beautyCheck},
		{"telco", telcoCheck},
		{"promote", promoteCheck},
		{"crash", crashCheck},
		{"mutations", mutationsCheck},
		{"clone", cloneCheck},
	}},
	"engine": {minutes: 15, checks: []check{
		{"products", productsCheck},
		{"training", trainingCheck},
		{"tables", tablesCheck},
		{"inference", inferenceCheck},
		{"portable", portableCheck},
		{"beauty", qualityCheck(beauty)},
		{"games", qualityCheck(games)},
		{"ml-100k", qualityCheck(movieLens)},
		{"market", marketCheck},
		{"large", largeCheck},
	}},
	"house": {checks: []check{
		{"names", namesCheck},
		{"lines", linesCheck},
		{"floors", testsCheck("the import table is a graph by floors", "./internal/arch")},
		{"onehistory", testsCheck("one history for requests and turns, 10,000 logs", "./history", "-run", "OneHistory", "-timeout", "30m", "-rapid.checks=10000")},
		{"scenarios", scenariosCheck},
		{"versions", testsCheck("two versions of records side by side", "./store", "-run", "TwoVersions")},
		{"apptest", testsCheck("an application that no file knows", "./internal/apptest")},
		{"build", buildCheck},
	}},
	"truth":       {minutes: 10, checks: slices.Concat(truthChecks, figureChecks)},
	"reliability": {checks: reliabilityChecks},
	"behaviour":   {checks: behaviourChecks, tables: true},
	"faults": {checks: []check{
		{"cases", faultsCheck},
	}},
	"growth": {checks: []check{
		{"2m", growthCheck(growth.Sizes[0])},
		{"8m", growthCheck(growth.Sizes[1])},
		{"20m", growthCheck(growth.Sizes[2])},
	}},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	flags := flag.NewFlagSet("gates", flag.ExitOnError)
	asJSON := flags.Bool("json", false, "one JSON document on stdout")
	minutes := flags.Float64("minutes", 0, "of training on each of the real data sets, at most 2 on ml-100k (loop 10, engine 15)")
	only := flags.String("only", "", "names of checks, with commas; all by default")
	share := flags.Float64("share", 1, "of the full counts of kills, damages, requests and minutes (reliability)")
	peers := flags.Bool("peers", false, "measure PyTorch in alternation; for behaviour LightGBM")
	python := flags.String("python", cmp.Or(os.Getenv("BELLWETHER_PYTHON"), "python3"), "the python that has torch, or lightgbm and scikit-learn (BELLWETHER_PYTHON)")
	cases := flags.String("cases", filepath.Join("..", "shared", "cases"), "the folder of inputs of faults")
	if len(os.Args) < 2 || areas[os.Args[1]].checks == nil {
		fmt.Fprintln(os.Stderr, "usage: gates loop|engine|house|truth|growth|reliability|behaviour|faults [--json] [--minutes N] [--only NAME,…] [--peers [--python PYTHON]]")
		os.Exit(2)
	}
	_ = flags.Parse(os.Args[2:]) // it exits on an error
	of := areas[os.Args[1]]
	var folders []string
	if os.Args[1] == "faults" && *only != "" { // its one check is of many folders
		folders, *only = strings.Split(*only, ","), ""
	}
	checks, err := named(of.checks, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gates:", err)
		os.Exit(2)
	}
	r := &runner{ctx: ctx, data: filepath.Join("..", "shared", "data"), minutes: cmp.Or(*minutes, of.minutes), share: *share, cases: *cases, folders: folders}
	if *peers {
		r.python = *python
	}
	rows, err := r.run(checks, *peers && !of.tables)
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

// named returns those checks that are named, with commas between; all if none is.
func named(checks []check, names string) ([]check, error) {
	if names == "" {
		return checks, nil
	}
	var all []string
	for _, c := range checks {
		all = append(all, c.name)
	}
	var out []check
	for _, name := range strings.Split(names, ",") {
		i := slices.Index(all, name)
		if i < 0 {
			return nil, fmt.Errorf("no check is called %q: there are %s", name, strings.Join(all, ", "))
		}
		out = append(out, checks[i])
	}
	return out, nil
}

// run runs checks, beside PyTorch's twin if there is to be one.
func (r *runner) run(checks []check, twin bool) ([]row, error) {
	var err error
	if r.folder, err = os.MkdirTemp("", "bellwether-gates-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(r.folder)
	r.binary = filepath.Join(r.folder, "bellwether")
	if out, err := exec.CommandContext(r.ctx, "go", "build", "-o", r.binary, "./cmd/bellwether").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the program (run this from the project's root): %w: %s", err, out)
	}
	if twin {
		if r.twin, err = engine.StartTwin(r.ctx, r.python, filepath.Join("bench", "peers", "engine_torch.py"), filepath.Dir(r.data), false); err != nil {
			return nil, err
		}
		defer r.twin.Close()
	}
	for _, c := range checks {
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
