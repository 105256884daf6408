package pipeline

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"bellwether"
	"bellwether/serve"
	"bellwether/store"
	"bellwether/train"
)

// run describes one training run; its models lie beside it in the object store.
//
//	models/APPLICATION/VERSION/run.json   this
//	models/APPLICATION/VERSION/data       the dataset, while the run is the newest
//	models/APPLICATION/VERSION/card.json  the model card, once evaluated
//	models/APPLICATION/VERSION/fit/NAME   a model
type run struct {
	Version     bellwether.ModelVersion `json:"version"`
	Application string                  `json:"application"`
	Started     time.Time               `json:"started"`
	AsOf        time.Time               `json:"as_of"`
	Cursor      uint64                  `json:"cursor"`
	Digest      string                  `json:"digest"`
	serve.Vocabulary
	Fits []fit `json:"fits"`
}

// fit is one row of a run.
type fit struct {
	Name       string         `json:"name"`
	Family     string         `json:"family"`
	Baseline   bool           `json:"baseline"`
	FitSeconds float64        `json:"fit_seconds"`
	Parameters int64          `json:"parameters"`
	Settings   map[string]any `json:"settings,omitempty"`
}

// service says which model of which run is in service for an application.
type service struct {
	Version bellwether.ModelVersion `json:"version"`
	Name    string                  `json:"name"`
	Family  string                  `json:"family"`
}

func (r *run) path(name string) string {
	return "models/" + r.Application + "/" + string(r.Version) + "/" + name
}

// nextVersion takes the next number of an application's versions.
func (e *Engine) nextVersion(ctx context.Context, application string) (bellwether.ModelVersion, error) {
	key := "version." + application
	for {
		entry, err := e.project.KV.Get(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", fmt.Errorf("numbering the run: %w", err)
		}
		n, _ := strconv.Atoi(string(entry.Value))
		n++
		value := []byte(strconv.Itoa(n))
		if entry.Revision == 0 {
			_, err = e.project.KV.Create(ctx, key, value)
		} else {
			_, err = e.project.KV.Update(ctx, key, value, entry.Revision)
		}
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("numbering the run: %w", err)
		}
		return bellwether.ModelVersion(fmt.Sprintf("%s-%06d", application, n)), nil
	}
}

// newest returns the newest complete run of an application.
func (e *Engine) newest(ctx context.Context, application string) (run, error) {
	entry, err := e.project.KV.Get(ctx, "newest."+application)
	if errors.Is(err, store.ErrNotFound) {
		return run{}, fmt.Errorf("%s: %w", application, ErrNoRun)
	}
	if err != nil {
		return run{}, fmt.Errorf("finding the newest run: %w", err)
	}
	r := run{Application: application, Version: bellwether.ModelVersion(entry.Value)}
	return r, e.getJSON(ctx, r.path("run.json"), &r)
}

// keep stores a run with its models and data, and makes it the newest one.
func (e *Engine) keep(ctx context.Context, r *run, fitted []train.Fitted, d *bellwether.Dataset) error {
	for _, f := range fitted {
		if err := e.putWith(ctx, r.path("fit/"+f.Name), f.Model.Save); err != nil {
			return fmt.Errorf("storing the model %s: %w", f.Name, err)
		}
	}
	if err := e.putWith(ctx, r.path("data"), func(w io.Writer) error { return gob.NewEncoder(w).Encode(d) }); err != nil {
		return fmt.Errorf("storing the dataset: %w", err)
	}
	if err := e.putJSON(ctx, r.path("run.json"), r); err != nil {
		return err
	}
	if _, err := e.project.KV.Put(ctx, "newest."+r.Application, []byte(r.Version)); err != nil {
		return fmt.Errorf("naming the newest run: %w", err)
	}
	return nil
}

// prune deletes what no later step reads: everything of runs that are neither the newest nor
// in service, but for their cards.
func (e *Engine) prune(ctx context.Context, application string, newest bellwether.ModelVersion) error {
	keep := map[bellwether.ModelVersion]bool{newest: true}
	if s, err := e.inService(ctx, application); err == nil {
		keep[s.Version] = true
	}
	objects, err := e.project.Objects.List(ctx, "models/"+application+"/")
	if err != nil {
		return fmt.Errorf("listing old models: %w", err)
	}
	for _, o := range objects {
		version, rest := splitPath(o.Name)
		if keep[version] && (version == newest || rest != "data") || rest == "card.json" || rest == "run.json" {
			continue
		}
		if err := e.project.Objects.Delete(ctx, o.Name); err != nil {
			return fmt.Errorf("deleting the old %s: %w", o.Name, err)
		}
	}
	return nil
}

func splitPath(name string) (bellwether.ModelVersion, string) {
	parts := bytes.SplitN([]byte(name), []byte("/"), 4)
	if len(parts) < 4 {
		return "", ""
	}
	return bellwether.ModelVersion(parts[2]), string(parts[3])
}

func (e *Engine) inService(ctx context.Context, application string) (service, error) {
	var s service
	entry, err := e.project.KV.Get(ctx, "service."+application)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(entry.Value, &s); err != nil {
		return s, fmt.Errorf("reading which model is in service: %w", err)
	}
	return s, nil
}

// restore puts the model in service that was there before the program stopped.
func (e *Engine) restore(ctx context.Context, application string) error {
	s, err := e.inService(ctx, application)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding the model in service for %s: %w", application, err)
	}
	r := run{Application: application, Version: s.Version}
	if err := e.getJSON(ctx, r.path("run.json"), &r); err != nil {
		return err
	}
	m, err := e.load(ctx, &r, s.Name, s.Family)
	if errors.Is(err, train.ErrUnreadable) && !errors.Is(err, store.ErrUnavailable) && ctx.Err() == nil {
		e.o.Logger.WarnContext(ctx, "the model in service cannot be read: none serves until a turn has trained another", "application", application, "model", s.Version, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	v, err := e.serving(&r, m)
	if err != nil {
		return err
	}
	e.Service.Swap(v)
	return nil
}

func (e *Engine) load(ctx context.Context, r *run, name, family string) (bellwether.Model, error) {
	f, err := e.project.Objects.Get(ctx, r.path("fit/"+name))
	if err != nil {
		return nil, fmt.Errorf("reading model %s of %s: %w", name, r.Version, err)
	}
	defer f.Close()
	m, err := train.Load(family, f)
	if err != nil {
		return nil, fmt.Errorf("loading model %s of %s: %w", name, r.Version, err)
	}
	return m, nil
}

// Card returns the card of a version.
func (e *Engine) Card(ctx context.Context, application string, version bellwether.ModelVersion) (bellwether.Card, error) {
	var c bellwether.Card
	r := run{Application: application, Version: version}
	return c, e.getJSON(ctx, r.path("card.json"), &c)
}

// Cards returns the cards of the models in service.
func (e *Engine) Cards(ctx context.Context) ([]bellwether.Card, error) {
	out := []bellwether.Card{}
	for _, app := range applications {
		s, err := e.inService(ctx, app)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		c, err := e.Card(ctx, app, s.Version)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (e *Engine) putJSON(ctx context.Context, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := e.project.Objects.Put(ctx, name, bytes.NewReader(b)); err != nil {
		return fmt.Errorf("storing %s: %w", name, err)
	}
	return nil
}

func (e *Engine) getJSON(ctx context.Context, name string, v any) error {
	f, err := e.project.Objects.Get(ctx, name)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(v); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

// putWith stores what write writes.
func (e *Engine) putWith(ctx context.Context, name string, write func(io.Writer) error) error {
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w)) }() // ends when Put has read all, or when r is closed
	defer r.Close()
	return e.project.Objects.Put(ctx, name, r)
}

// checkpoint keeps the state of one training run under one name.
type checkpoint struct {
	e    *Engine
	name string
}

// Load implements [bellwether.Checkpoint].
func (c checkpoint) Load(ctx context.Context) (io.ReadCloser, error) {
	f, err := c.e.project.Objects.Get(ctx, c.name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return f, err
}

// Store implements [bellwether.Checkpoint].
func (c checkpoint) Store(ctx context.Context, write func(io.Writer) error) error {
	return c.e.putWith(ctx, c.name, write)
}
