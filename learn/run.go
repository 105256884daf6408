package learn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"bellwether"
	"bellwether/store"
)

// Run describes one training run; its models lie next to it in the object store.
//
//	models/TASK/VERSION/run.json   this
//	models/TASK/VERSION/card.json  the model card, once judged
//	models/TASK/VERSION/fit/NAME   a model, as it was judged
//	models/TASK/VERSION/served/NAME the one that was chosen, fitted once more on all events
type Run struct {
	Version bellwether.ModelVersion `json:"version"`
	Task    string                  `json:"application"`
	Started time.Time               `json:"started"`
	AsOf    time.Time               `json:"as_of"`           // of the pass that assembled the data
	Cursor  uint64                  `json:"cursor"`          // in the log: everything up to it was read
	Given   bool                    `json:"given,omitempty"` // the data are not from the log but a table that somebody gave
	Digest  string                  `json:"digest"`
	Share   float64                 `json:"share,omitempty"`  // of people whom a budget left in; 0: of all
	Recipe  string                  `json:"recipe,omitempty"` // what the models were made by, whatever the data; "": not known
	Vocabulary
	Fits []Fit `json:"fits"`
}

// Fit is one row of a run.
type Fit struct {
	Name       string         `json:"name"`
	Family     string         `json:"family"`
	Baseline   bool           `json:"baseline"`
	FitSeconds float64        `json:"fit_seconds"`
	Parameters int64          `json:"parameters"`
	Settings   map[string]any `json:"settings,omitempty"`
}

// Service says which model of which run is in service for a task.
type Service struct {
	Version bellwether.ModelVersion `json:"version"`
	Name    string                  `json:"name"`
	Family  string                  `json:"family"`
}

func path(task string, version bellwether.ModelVersion, name string) string {
	return "models/" + task + "/" + string(version) + "/" + name
}

func (r *Run) path(name string) string { return path(r.Task, r.Version, name) }

// Fit returns the row of a name, or of the first of a family where name is "".
func (r *Run) Fit(name, family string) (Fit, bool) {
	for _, f := range r.Fits {
		if f.Name == name || name == "" && f.Family == family {
			return f, true
		}
	}
	return Fit{}, false
}

// Number takes the next number, from 1, of what is counted under a name.
func Number(ctx context.Context, kv *store.KV, name string) (int, error) {
	key := "version." + name
	for {
		entry, err := kv.Get(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return 0, fmt.Errorf("numbering %s: %w", name, err)
		}
		n, _ := strconv.Atoi(string(entry.Value))
		n++
		value := []byte(strconv.Itoa(n))
		if entry.Revision == 0 {
			_, err = kv.Create(ctx, key, value)
		} else {
			_, err = kv.Update(ctx, key, value, entry.Revision)
		}
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("numbering %s: %w", name, err)
		}
		return n, nil
	}
}

// keep stores a run with its models, and makes it the newest one.
func (r *Registry) keep(ctx context.Context, run *Run, fitted []Fitted) error {
	for _, f := range fitted {
		if err := r.put(ctx, run.path("fit/"+f.Name), f.Model.Save); err != nil {
			return fmt.Errorf("storing the model %s: %w", f.Name, err)
		}
	}
	if err := r.objects.PutJSON(ctx, run.path("run.json"), run); err != nil {
		return err
	}
	if _, err := r.kv.Put(ctx, "newest."+run.Task, []byte(run.Version)); err != nil {
		return fmt.Errorf("naming the newest run: %w", err)
	}
	return nil
}

// Newest returns the newest complete run of a task, ErrNoRun when there is none.
func (r *Registry) Newest(ctx context.Context, task string) (Run, error) {
	if _, err := r.Task(task); err != nil {
		return Run{}, err
	}
	entry, err := r.kv.Get(ctx, "newest."+task)
	if errors.Is(err, store.ErrNotFound) {
		return Run{}, fmt.Errorf("%s: %w", task, ErrNoRun)
	}
	if err != nil {
		return Run{}, fmt.Errorf("finding the newest run: %w", err)
	}
	return r.Run(ctx, task, bellwether.ModelVersion(entry.Value))
}

// Run returns one run of a task.
func (r *Registry) Run(ctx context.Context, task string, version bellwether.ModelVersion) (Run, error) {
	run := Run{Task: task, Version: version}
	return run, r.objects.GetJSON(ctx, run.path("run.json"), &run)
}

// InService says what is in service for a task, store.ErrNotFound when nothing is.
func (r *Registry) InService(ctx context.Context, task string) (Service, error) {
	var s Service
	if _, err := r.Task(task); err != nil {
		return s, err
	}
	entry, err := r.kv.Get(ctx, "service."+task)
	if err != nil {
		return s, fmt.Errorf("finding the model in service for %s: %w", task, err)
	}
	if err := json.Unmarshal(entry.Value, &s); err != nil {
		return s, fmt.Errorf("reading which model is in service: %w", err)
	}
	return s, nil
}

// Current returns the run in service, else the newest one; ErrNoRun when there is none.
func (r *Registry) Current(ctx context.Context, task string) (Run, error) {
	s, err := r.InService(ctx, task)
	if errors.Is(err, store.ErrNotFound) {
		return r.Newest(ctx, task)
	}
	if err != nil {
		return Run{}, err
	}
	return r.Run(ctx, task, s.Version)
}

// Model loads one model of a run.
func (r *Registry) Model(ctx context.Context, run *Run, f Fit) (bellwether.Model, error) {
	in, err := r.objects.Get(ctx, run.path("fit/"+f.Name))
	if err != nil {
		return nil, fmt.Errorf("reading model %s of %s: %w", f.Name, run.Version, err)
	}
	defer in.Close()
	m, err := r.load(f.Family, in)
	if err != nil {
		return nil, fmt.Errorf("loading model %s of %s: %w", f.Name, run.Version, err)
	}
	return m, nil
}

// Card returns the card of a version.
func (r *Registry) Card(ctx context.Context, task string, version bellwether.ModelVersion) (bellwether.Card, error) {
	var c bellwether.Card
	return c, r.objects.GetJSON(ctx, path(task, version, "card.json"), &c)
}

// Cards returns the cards of the models in service, in the order of the tasks.
func (r *Registry) Cards(ctx context.Context) ([]bellwether.Card, error) {
	out := []bellwether.Card{}
	for _, task := range r.tasks {
		s, err := r.InService(ctx, task.Name)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c, err := r.Card(ctx, task.Name, s.Version)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// prune deletes what no later step reads: the models of runs that are neither the newest nor in service, but not their cards.
func (r *Registry) prune(ctx context.Context, task string, newest bellwether.ModelVersion) error {
	keep := map[string]bool{string(newest): true}
	if s, err := r.InService(ctx, task); err == nil {
		keep[string(s.Version)] = true
	}
	prefix := "models/" + task + "/"
	objects, err := r.objects.List(ctx, prefix)
	if err != nil {
		return fmt.Errorf("listing old models: %w", err)
	}
	for _, o := range objects {
		version, name, _ := strings.Cut(strings.TrimPrefix(o.Name, prefix), "/")
		if name == "card.json" || name == "run.json" || keep[version] && (strings.HasPrefix(name, "fit/") || strings.HasPrefix(name, servedFolder)) {
			continue
		}
		if err := r.objects.Delete(ctx, o.Name); err != nil {
			return fmt.Errorf("deleting the old %s: %w", o.Name, err)
		}
	}
	return nil
}

// put stores what write writes.
func (r *Registry) put(ctx context.Context, name string, write func(io.Writer) error) error {
	in, out := io.Pipe()
	go func() { out.CloseWithError(write(out)) }() // ends when Put has read all, or when in is closed
	defer in.Close()
	return r.objects.Put(ctx, name, in)
}

// clear deletes the objects under a prefix.
func (r *Registry) clear(ctx context.Context, prefix string) error {
	objects, err := r.objects.List(ctx, prefix)
	if err != nil {
		return fmt.Errorf("listing %s: %w", prefix, err)
	}
	for _, o := range objects {
		if err := r.objects.Delete(ctx, o.Name); err != nil {
			return fmt.Errorf("deleting %s: %w", o.Name, err)
		}
	}
	return nil
}

// checkpoint keeps the state of one training run under one name.
type checkpoint struct {
	r    *Registry
	name string
}

// Load implements [bellwether.Checkpoint].
func (c checkpoint) Load(ctx context.Context) (io.ReadCloser, error) {
	f, err := c.r.objects.Get(ctx, c.name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return f, err
}

// Store implements [bellwether.Checkpoint].
func (c checkpoint) Store(ctx context.Context, write func(io.Writer) error) error {
	return c.r.put(ctx, c.name, write)
}
