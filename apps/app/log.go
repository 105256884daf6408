package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"bellwether"
	"bellwether/collect"
)

// Flush returns once everything in the log at the time of the call is in what requests read.
func (p *Project) Flush(ctx context.Context) error {
	last, err := p.Store.Log.Last(ctx)
	if err != nil {
		return fmt.Errorf("reading the end of the log: %w", err)
	}
	return p.History.Wait(ctx, last)
}

// AcceptItems writes items, each a JSON text, into the catalogue; requests see them when it returns.
func (p *Project) AcceptItems(ctx context.Context, texts []json.RawMessage) (collect.Result, error) {
	r, err := p.Collector.AcceptItems(ctx, texts)
	if err == nil && r.Sequence > 0 {
		err = p.History.Wait(ctx, r.Sequence)
	}
	return r, err
}

// UndoImport takes an import back; requests see that when it returns.
func (p *Project) UndoImport(ctx context.Context, id string) (collect.Batch, error) {
	b, err := p.Collector.UndoImport(ctx, id)
	if err == nil {
		err = p.Flush(ctx)
	}
	return b, err
}

// Imports returns every import, the newest first.
func (p *Project) Imports(ctx context.Context) ([]collect.Batch, error) {
	return p.Collector.Imports(ctx)
}

// Note implements [learn.Recorder]: it logs a record of the system's own.
func (p *Project) Note(ctx context.Context, kind bellwether.EventType, traits map[string]any) error {
	now := p.Clock()
	last, err := p.Store.Log.Last(ctx)
	if err != nil {
		return fmt.Errorf("logging %s: %w", kind, err)
	}
	id := bellwether.EventID("system-" + string(kind) + "-" + strconv.FormatUint(last, 10) + "-" + strconv.FormatInt(now.UnixNano(), 36))
	_, err = p.Collector.Accept(ctx, []collect.Incoming{{
		Event:  bellwether.Event{ID: id, Type: kind, Occurred: now, Received: now, Traits: traits},
		Source: "pipeline",
	}})
	if err != nil {
		return fmt.Errorf("logging %s: %w", kind, err)
	}
	return nil
}

// Failed logs that a step failed, and returns the error with the step's name.
func (p *Project) Failed(ctx context.Context, task, step string, err error) error {
	p.Logger.ErrorContext(ctx, "turn failed", "task", task, "step", step, "error", err)
	note := p.Note(context.WithoutCancel(ctx), bellwether.TurnFailed, map[string]any{"application": task, "step": step, "error": err.Error()})
	return errors.Join(fmt.Errorf("%s %s: %w", task, step, err), note)
}
