package learn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"bellwether"
	"bellwether/evaluate"
	"bellwether/models"
	"bellwether/models/sequence"
	"bellwether/store"
)

// Recorder logs what the system does: a promotion, and why a model was not promoted.
type Recorder interface {
	Note(ctx context.Context, kind bellwether.EventType, traits map[string]any) error
}

// Options of a Registry; the zero value works.
type Options struct {
	Clock      func() time.Time    // nil: time.Now
	Logger     *slog.Logger        // nil: none
	Currency   bellwether.Currency // of the project
	CacheBytes int64               // that remembering people between requests may take; 0: 256 MiB
	Recorder   Recorder            // nil: nobody
	// Load restores a model by its family; nil: models.Load.
	Load func(family string, r io.Reader) (bellwether.Model, error)
}

// Registry keeps the runs of a project's tasks, and what is in service. It is safe for concurrent use, but one task is
// trained by one caller at a time.
type Registry struct {
	o       Options
	tasks   []*Task
	slots   map[string]*Slot
	kv      *store.KV
	objects *store.Objects
	people  *sequence.Cache // of people between requests, for all models in service

	mu    sync.Mutex
	other map[string]kept // by task: the model of a run that was asked for last; guarded by mu
}

// kept is a model of a run of which another one serves.
type kept struct {
	version bellwether.ModelVersion
	family  string
	model   bellwether.Model
}

// NewRegistry returns the registry of a project's tasks, whose names must differ.
func NewRegistry(p *store.Project, tasks []Task, o Options) (*Registry, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = 256 << 20
	}
	if o.Load == nil {
		o.Load = models.Load
	}
	r := &Registry{
		o: o, slots: map[string]*Slot{}, kv: p.KV, objects: p.Objects, people: sequence.NewCache(o.CacheBytes), other: map[string]kept{},
	}
	for _, t := range tasks {
		if t.Name == "" || strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return nil, fmt.Errorf("the task %q is named by lower-case letters, digits and hyphens", t.Name)
		}
		if r.slots[t.Name] != nil {
			return nil, fmt.Errorf("two tasks are called %s", t.Name)
		}
		r.tasks, r.slots[t.Name] = append(r.tasks, &t), new(Slot)
	}
	return r, nil
}

func (r *Registry) load(family string, in io.Reader) (bellwether.Model, error) {
	return r.o.Load(family, in)
}

// Tasks returns the tasks in their order. They must not be changed.
func (r *Registry) Tasks() []*Task { return r.tasks }

// Task returns the task of a name, or ErrUnknownTask.
func (r *Registry) Task(name string) (*Task, error) {
	var names []string
	for _, t := range r.tasks {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return nil, fmt.Errorf("%w: %q; there are %s", ErrUnknownTask, name, strings.Join(names, ", "))
}

// Slot returns what holds a task's model in service, or ErrUnknownTask.
func (r *Registry) Slot(task string) (*Slot, error) {
	if s := r.slots[task]; s != nil {
		return s, nil
	}
	_, err := r.Task(task)
	return nil, err
}

// Serving returns what is in service for a task; ErrNoModel when nothing is, and ErrUnknownTask.
func (r *Registry) Serving(task string) (*Serving, error) {
	slot, err := r.Slot(task)
	if err != nil {
		return nil, err
	}
	v := slot.Load()
	if v == nil {
		return nil, fmt.Errorf("%s: %w", task, ErrNoModel)
	}
	return v, nil
}

// Forget removes what is remembered of a person between requests.
func (r *Registry) Forget(person bellwether.Subject) { r.people.Forget(person) }

// Remembered tells how the memory of people between requests is doing.
func (r *Registry) Remembered() sequence.CacheStats { return r.people.Stats() }

// serving lays a model of a run out for requests; judged are its figures on the test part. Whatever goes into service comes from here.
func (r *Registry) serving(t *Task, run *Run, m bellwether.Model, judged map[string]bellwether.Estimate) (*Serving, error) {
	if t.Serve != nil {
		var err error
		if m, err = t.Serve(m, r.people); err != nil {
			return nil, fmt.Errorf("laying %s out for requests: %w", run.Version, err)
		}
	}
	v, err := NewServing(run.Version, t.Name, m, run.Vocabulary, r.o.Currency)
	if err == nil && v.Classifier != nil {
		v.Judged, v.Withheld = judged, evaluate.Uncalibrated(judged)
	}
	return v, err
}

// Restore puts the models in service that were there before the program stopped. A task whose model can't be read serves without
// one; the error names all of them.
func (r *Registry) Restore(ctx context.Context) error {
	var errs []error
	for _, t := range r.tasks {
		errs = append(errs, r.restore(ctx, t))
	}
	return errors.Join(errs...)
}

func (r *Registry) restore(ctx context.Context, t *Task) error {
	s, err := r.InService(ctx, t.Name)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	run, err := r.Run(ctx, t.Name, s.Version)
	if err != nil {
		return err
	}
	m, err := r.served(ctx, &run, Fit{Name: s.Name, Family: s.Family})
	if err != nil {
		return err
	}
	card, err := r.Card(ctx, t.Name, s.Version)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	v, err := r.serving(t, &run, m, rowOf(card.Rows, s.Name).Test)
	if err != nil {
		return err
	}
	r.slots[t.Name].Swap(v)
	return nil
}

// Companion returns the model of a family of the run that v is of, nil where the run has none. The one that was asked for last is kept
// for each task.
func (r *Registry) Companion(ctx context.Context, v *Serving, family string) (bellwether.Model, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.other[v.Task]; k.version == v.Version && k.family == family {
		return k.model, nil
	}
	run, err := r.Run(ctx, v.Task, v.Version)
	if err != nil {
		return nil, err
	}
	k := kept{version: v.Version, family: family}
	if f, ok := run.Fit("", family); ok {
		if k.model, err = r.Model(ctx, &run, f); err != nil {
			return nil, err
		}
	}
	r.other[v.Task] = k
	return k.model, nil
}
