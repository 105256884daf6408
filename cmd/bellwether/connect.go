package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"bellwether"
	"bellwether/history/lake"
	"bellwether/host"
	"bellwether/pipeline"
	"bellwether/store"
	"bellwether/web"
)

// opened is the open data folder with one project, and the server on it.
type opened struct {
	store   *store.Store
	keys    *web.Keys
	conf    configuration
	project *pipeline.Project
	server  *web.Server
	fresh   bool // the project has no keys yet
}

// open opens the data folder and the project; acceptLoss goes on without what a damaged log lost.
func (s *shell) open(ctx context.Context, logger *slog.Logger, acceptLoss bool) (*opened, error) {
	conf, err := s.configured()
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, s.data, store.Options{URL: conf.NATS, Logger: logger, AcceptLoss: acceptLoss})
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", s.data, err)
	}
	o := &opened{store: st, conf: conf}
	if err := o.load(ctx, s.data, bellwether.ProjectID(s.project), logger); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

func (o *opened) load(ctx context.Context, folder string, id bellwether.ProjectID, logger *slog.Logger) error {
	p, err := o.store.Project(ctx, id)
	if err != nil {
		return fmt.Errorf("opening project %s: %w", id, err)
	}
	if o.keys, err = web.LoadKeys(ctx, o.store, nil); err != nil {
		return err
	}
	o.fresh = !o.keys.Of(id)
	options, err := o.conf.options()
	if err != nil {
		return err
	}
	options.Logger = logger
	if o.conf.NATS == "" { // where this program alone keeps the data, files are files; other servers share objects
		options.Lake = lake.Folder(filepath.Join(folder, "lake", string(id)))
	}
	if o.project, err = pipeline.Open(ctx, p, options); err != nil {
		return err
	}
	o.server, err = host.New(host.Options{Keys: o.keys, Prefix: o.conf.Prefix, Logger: logger, Project: func(id bellwether.ProjectID) *pipeline.Project {
		if o.project.ID == id {
			return o.project
		}
		return nil
	}})
	return err
}

// firstKeys makes a new project's keys and prints them, this once.
func (o *opened) firstKeys(ctx context.Context) error {
	if !o.fresh {
		return nil
	}
	text := fmt.Sprintf("project %s is new. Its keys are shown this once:\n", o.project.ID)
	for _, k := range []struct {
		role web.Role
		says string
	}{{web.Collect, "for browsers and apps: it can write events and read nothing"}, {web.Write, "for your servers: events, catalogue, recommendations, decisions"}, {web.Admin, "for people who run it: everything"}} {
		key, err := o.keys.Create(ctx, o.project.Store, k.role, "made with the project", time.Time{})
		if err != nil {
			return err
		}
		text += fmt.Sprintf("  %-8s %s  (%s)\n", k.role, key, k.says)
	}
	o.fresh = false
	fmt.Fprint(os.Stderr, text)
	return nil
}

// Close closes the project and the store.
func (o *opened) Close() error {
	var err error
	if o.project != nil {
		err = o.project.Close()
	}
	return errors.Join(err, o.store.Close())
}

// clientOptions say which errors the shell knows again.
func clientOptions() web.ClientOptions { return web.ClientOptions{Failures: host.Failures()} }

// Client implements [app.Shell]: the server that runs on the data folder answers, or else the folder is opened for this command. A folder
// that isn't there is an error; see [shell.createClient].
func (s *shell) Client(ctx context.Context) (*web.Client, error) {
	if s.client != nil {
		return s.client, nil
	}
	if !s.exists() {
		return nil, exit{4, fmt.Errorf("there are no data in %s: import some first (bellwether import --help), or name another folder with --data", s.data)}
	}
	return s.connect(ctx)
}

// createClient is Client for commands that may be the first: the folder is made. It goes again, and no key is spent, if the command fails.
func (s *shell) createClient(ctx context.Context) (*web.Client, error) {
	s.first, s.created = true, !s.exists()
	return s.connect(ctx)
}

// exists reports whether the data folder is one.
func (s *shell) exists() bool {
	entries, err := os.ReadDir(s.data)
	for _, e := range entries {
		if err == nil && e.Name() != "config.yaml" {
			return true
		}
	}
	return false
}

func (s *shell) connect(ctx context.Context) (*web.Client, error) {
	if s.client != nil {
		return s.client, nil
	}
	c, err := web.DialOrOpen(ctx, s.data, bellwether.ProjectID(s.project), clientOptions(), func(ctx context.Context) (*web.Server, func() error, error) {
		o, err := s.open(ctx, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), false)
		if err != nil {
			return nil, nil, err
		}
		s.opened = o
		return o.server, o.Close, nil
	})
	s.client = c
	return c, err
}

// finish ends what a command opened. A first use that succeeded prints the project's keys; one that failed, or put nothing into it, leaves no folder.
func (s *shell) finish(ctx context.Context, err error) error {
	if s.client == nil {
		return err
	}
	if s.opened != nil && s.first && !s.keyless && (err == nil || isPartial(err)) {
		err = errors.Join(err, s.opened.firstKeys(ctx))
	}
	if closed := s.client.Close(); err == nil {
		err = closed
	}
	if s.dry != "" {
		err = errors.Join(err, os.RemoveAll(s.dry))
	}
	if s.created && (s.unused || err != nil && !isPartial(err)) {
		err = errors.Join(err, s.removeFolder())
	}
	return err
}

// isPartial reports whether a command ended with some rows kept aside: what it did is done.
func isPartial(err error) bool {
	var e exit
	return errors.As(err, &e) && e.code == partial
}

// removeFolder removes what the store made in a folder that was not there before, but for a configuration.
func (s *shell) removeFolder() error {
	entries, err := os.ReadDir(s.data)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if e.Name() != "config.yaml" {
			errs = append(errs, os.RemoveAll(filepath.Join(s.data, e.Name())))
		}
	}
	if len(entries) > 0 {
		_ = os.Remove(s.data) // stays where a configuration is in it
	}
	return errors.Join(errs...)
}
