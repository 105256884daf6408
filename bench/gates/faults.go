package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether"
	"bellwether/history/lake"
	"bellwether/store"

	"github.com/parquet-go/parquet-go"
)

// The faults: what real files, clients and people's mistakes did to other tools, each folder of ../shared/cases through the
// program, beside what must come of it.

// faultsText says what each file must become.
//
//go:embed faults.txt
var faultsText string

// faultsCheck tries every folder: its files as faults.txt says, then its steps.
func faultsCheck(r *runner) error {
	if _, err := os.Stat(r.cases); err != nil {
		fmt.Fprintf(os.Stderr, "gates: faults left out: %s is absent\n", r.cases)
		return nil
	}
	folders, err := parseFaults(faultsText)
	if err != nil {
		return err
	}
	for _, s := range faultSteps {
		i := slices.IndexFunc(folders, func(f faultFolder) bool { return f.name == s.folder })
		if i < 0 {
			i = len(folders)
			folders = append(folders, faultFolder{name: s.folder})
		}
		folders[i].steps = append(folders[i].steps, s)
	}
	slices.SortFunc(folders, func(a, b faultFolder) int { return strings.Compare(a.name, b.name) })
	passed, tried := 0, 0
	for _, f := range folders {
		if !r.tries(f.name) {
			continue
		}
		wrong, note := r.tryFolder(f)
		tried++
		value := "as expected"
		if note != "" {
			value = note
		}
		if len(wrong) > 0 {
			value = strings.Join(wrong, "; ")
		} else {
			passed++
		}
		r.add(f.name, value, "as expected", len(wrong) == 0)
		if r.ctx.Err() != nil {
			return nil
		}
	}
	left, err := untried(r.cases, folders)
	if err != nil {
		return err
	}
	r.add("folders of cases", fmt.Sprintf("%d of %d pass, without an expectation: %d %s", passed, tried, len(left), strings.Join(left, " ")), "all, each with one", passed == tried && len(left) == 0)
	return nil
}

// tries reports whether a folder was asked for.
func (r *runner) tries(folder string) bool {
	return len(r.folders) == 0 || slices.ContainsFunc(r.folders, func(begin string) bool { return strings.HasPrefix(folder, begin) })
}

// untried are the folders of cases without an expectation.
func untried(cases string, known []faultFolder) ([]string, error) {
	entries, err := os.ReadDir(cases)
	if err != nil {
		return nil, err
	}
	var left []string
	for _, e := range entries {
		if e.IsDir() && !slices.ContainsFunc(known, func(f faultFolder) bool { return f.name == e.Name() }) {
			left = append(left, e.Name())
		}
	}
	return left, nil
}

// faultFolder is what a folder's files must become.
type faultFolder struct {
	name  string
	files []faultFile
	steps []faultStep
}

// faultFile is what one file must become.
type faultFile struct {
	name    string
	exit    int
	refused int64
	clean   bool
	flags   []string
	count   int // of events; −1: those that are listed
	events  [][]said
	says    []string
}

// said is one named part of an event and its text.
type said struct{ name, text string }

// errLeftOut is the error of a step that can't be tried here; the text says why.
var errLeftOut = errors.New("left out")

// tryFolder returns what came out wrong.
func (r *runner) tryFolder(f faultFolder) (wrong []string, note string) {
	for _, file := range f.files {
		for _, w := range r.tryFile(f.name, &file) {
			wrong = append(wrong, file.name+": "+w)
		}
	}
	for _, s := range f.steps {
		t := &trial{r: r, dir: filepath.Join(r.cases, f.name)}
		t.fresh()
		switch err := s.try(t); {
		case errors.Is(err, errLeftOut):
			note = err.Error()
		case err != nil:
			wrong = append(wrong, err.Error())
		}
		t.end()
	}
	return wrong, note
}

func (r *runner) tryFile(folder string, f *faultFile) (wrong []string) {
	t := &trial{r: r, dir: filepath.Join(r.cases, folder)}
	t.fresh()
	defer t.end()
	report, text, code := t.imports(append([]string{filepath.Join(t.dir, f.name)}, f.flags...)...)
	if code != f.exit {
		wrong = append(wrong, fmt.Sprintf("exit %d, want %d: %s", code, f.exit, lastLine(text)))
	}
	if report != nil && report.Accepted+report.Duplicates+report.Rejected != report.Rows {
		wrong = append(wrong, fmt.Sprintf("%d accepted, %d duplicates and %d refused of %d rows", report.Accepted, report.Duplicates, report.Rejected, report.Rows))
	}
	if report != nil && report.Rejected != f.refused {
		wrong = append(wrong, fmt.Sprintf("%d refused, want %d", report.Rejected, f.refused))
	}
	for _, s := range f.says {
		if !strings.Contains(text, s) {
			wrong = append(wrong, fmt.Sprintf("does not say %q", s))
		}
	}
	events, err := t.logged()
	if f.clean {
		events, err = t.cleaned()
	}
	if err != nil {
		return append(wrong, err.Error())
	}
	if f.count >= 0 {
		if len(events) != f.count {
			wrong = append(wrong, fmt.Sprintf("%d events, want %d", len(events), f.count))
		}
		return wrong
	}
	return append(wrong, differences(f.events, events, !f.clean)...)
}

// trial is one data folder and the program on it.
type trial struct {
	r    *runner
	dir  string // of the case
	data string
}

// fresh begins with an empty data folder.
func (t *trial) fresh() {
	t.end()
	t.data = filepath.Join(t.r.folder, "faults-"+strconv.FormatInt(time.Now().UnixNano(), 36))
}

func (t *trial) end() {
	if t.data != "" {
		_ = os.RemoveAll(t.data)
	}
}

// run runs the program on the folder and returns its output, what it wrote beside it, and its exit code.
func (t *trial) run(args ...string) (out []byte, beside string, code int) {
	var errs bytes.Buffer
	c := exec.CommandContext(t.r.ctx, t.r.binary, append(args, "--data", t.data, "-q")...)
	c.Stderr = &errs
	out, err := c.Output()
	code = c.ProcessState.ExitCode()
	if err != nil && c.ProcessState == nil {
		return out, err.Error(), -1
	}
	return out, errs.String(), code
}

// counts are what an import says.
type counts struct {
	Accepted, Duplicates, Rejected, Events, Rows int64
	ID                                           string
}

// imports imports and returns what it counted, all that it printed, and its exit code.
func (t *trial) imports(args ...string) (*counts, string, int) {
	out, beside, code := t.run(append([]string{"import", "--json"}, args...)...)
	var reports []counts
	if json.Unmarshal(out, &reports) != nil || len(reports) == 0 {
		return nil, string(out) + beside, code
	}
	sum := reports[0]
	for _, o := range reports[1:] {
		sum.Accepted, sum.Duplicates, sum.Rejected, sum.Events, sum.Rows = sum.Accepted+o.Accepted, sum.Duplicates+o.Duplicates, sum.Rejected+o.Rejected, sum.Events+o.Events, sum.Rows+o.Rows
	}
	return &sum, string(out) + beside, code
}

// logged are the events in the log.
func (t *trial) logged() (events []bellwether.Event, err error) {
	if _, err := os.Stat(t.data); err != nil {
		return nil, nil // an import that failed as a whole leaves no folder
	}
	s, err := store.Open(t.r.ctx, t.data, store.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	p, err := s.Project(t.r.ctx, "default")
	if err != nil {
		return nil, err
	}
	return events, p.Log.Read(t.r.ctx, 0, func(b store.Batch) error {
		for _, rec := range b.Records {
			var e bellwether.Event
			if rec.Kind != store.KindEvent {
				continue
			}
			if err := store.Decode(rec.Data, &e); err != nil {
				return err
			}
			events = append(events, e)
		}
		return nil
	})
}

// cleaned are the events that the program exports.
func (t *trial) cleaned() ([]bellwether.Event, error) {
	file := filepath.Join(t.data, "events.parquet")
	if _, beside, code := t.run("export", "--what", "events", "-o", file); code != 0 {
		return nil, fmt.Errorf("export: exit %d: %s", code, lastLine(beside))
	}
	rows, err := parquet.ReadFile[lake.EventRow](file)
	if err != nil {
		return nil, err
	}
	events := make([]bellwether.Event, len(rows))
	for i := range rows {
		events[i] = eventOf(&rows[i])
	}
	return events, nil
}

// eventOf is a row of the export as an event; amounts become minor units again.
func eventOf(r *lake.EventRow) bellwether.Event {
	e := bellwether.Event{ID: bellwether.EventID(r.ID), Type: bellwether.EventType(r.Type), Occurred: r.Occurred, Received: r.Received, Subject: bellwether.Subject(r.Subject)}
	set(&e.Anonymous, r.Anonymous)
	set(&e.Item, r.Item)
	set(&e.Order, r.Order)
	set(&e.Price.Currency, r.Currency)
	if r.Quantity != nil {
		e.Quantity = *r.Quantity
	}
	if r.Value != nil {
		e.Value = *r.Value
	}
	if r.Price != nil {
		e.Price.Amount = int64(*r.Price)
		for range 3 - e.Price.Currency.Exponent() {
			e.Price.Amount /= 10
		}
	}
	if r.Traits != nil {
		_ = json.Unmarshal([]byte(*r.Traits), &e.Traits)
	}
	return e
}

func set[T ~string](to *T, from *string) {
	if from != nil {
		*to = T(*from)
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	line := lines[len(lines)-1]
	return line[:min(len(line), 300)]
}
