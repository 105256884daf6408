package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"bellwether"
	"bellwether/api"
	"bellwether/pipeline"
	"bellwether/store"

	"github.com/spf13/cobra"
)

// opened is one project's engine over the open store.
type opened struct {
	store  *store.Store
	engine *pipeline.Engine
	keys   *api.Keys
	conf   configuration
}

// open opens the data folder and the project; a first use makes its keys and prints them once.
func (a *app) open(ctx context.Context, change func(*pipeline.Options) error) (*opened, error) {
	conf, err := a.configured()
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, a.data, store.Options{URL: conf.NATS, Logger: a.storeLog()})
	if errors.Is(err, store.ErrLocked) {
		return nil, fmt.Errorf("%w: a program is serving from %s; stop it, or ask it over HTTP", err, a.data)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", a.data, err)
	}
	o := &opened{store: st, conf: conf}
	if err := o.load(ctx, bellwether.ProjectID(a.project), change); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return o, nil
}

// storeLog takes what the store says: how far a migration is, and what goes wrong.
func (a *app) storeLog() *slog.Logger {
	level := slog.LevelInfo
	if a.quiet {
		level = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

func (o *opened) load(ctx context.Context, id bellwether.ProjectID, change func(*pipeline.Options) error) error {
	p, err := o.store.Project(ctx, id)
	if err != nil {
		return fmt.Errorf("opening project %s: %w", id, err)
	}
	if o.keys, err = api.LoadKeys(ctx, o.store); err != nil {
		return err
	}
	if !o.keys.Of(id) {
		if err := o.firstKeys(ctx, p); err != nil {
			return err
		}
	}
	options, err := o.conf.options()
	if err != nil {
		return err
	}
	options.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if change != nil {
		if err := change(&options); err != nil {
			return err
		}
	}
	o.engine, err = pipeline.Open(ctx, p, options)
	return err
}

func (o *opened) firstKeys(ctx context.Context, p *store.Project) error {
	write, err := o.keys.Create(ctx, p, api.Write)
	if err != nil {
		return err
	}
	admin, err := o.keys.Create(ctx, p, api.Admin)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "project %s is new. Its keys are shown this once:\n  write key  %s\n  admin key  %s\n", p.ID, write, admin)
	return nil
}

// Close closes the engine and the store.
func (o *opened) Close() error {
	var err error
	if o.engine != nil {
		err = o.engine.Close()
	}
	return errors.Join(err, o.store.Close())
}

// with runs do on the open project and closes it, whatever happens.
func (a *app) with(do func(c *cobra.Command, args []string, o *opened) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) (err error) {
		o, err := a.open(c.Context(), nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, o.Close()) }()
		return do(c, args, o)
	}
}

// print writes v as JSON with --json, and otherwise what text writes.
func (a *app) print(w io.Writer, v any, text func(io.Writer) error) error {
	if !a.json {
		return text(w)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// progress returns a function that shows progress on stderr: one line that is rewritten on
// a terminal, and a line a step elsewhere.
func (a *app) progress() func(bellwether.Progress) {
	if a.quiet {
		return func(bellwether.Progress) {}
	}
	info, err := os.Stderr.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	last, shown := "", time.Time{}
	return func(p bellwether.Progress) {
		if p.Step == last && time.Since(shown) < time.Second && (p.Total == 0 || p.Done < p.Total) {
			return
		}
		changed := p.Step != last
		last, shown = p.Step, time.Now()
		if !terminal {
			fmt.Fprintln(os.Stderr, progressLine(p))
			return
		}
		if changed {
			fmt.Fprintln(os.Stderr)
		}
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s", progressLine(p))
	}
}

func progressLine(p bellwether.Progress) string {
	s := p.Step
	switch {
	case p.Total > 0:
		s += fmt.Sprintf("  %d/%d", p.Done, p.Total)
	case p.Done > 0:
		s += fmt.Sprintf("  %d", p.Done)
	}
	if p.Elapsed > 0 {
		s += "  " + p.Elapsed.Round(100*time.Millisecond).String()
	}
	if p.Loss != 0 {
		s += fmt.Sprintf("  loss %.4f", p.Loss)
	}
	if p.Valid != 0 {
		s += fmt.Sprintf("  validation %.4f", p.Valid)
	}
	if p.Note != "" {
		s += "  " + p.Note
	}
	return s
}
