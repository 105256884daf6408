package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"bellwether/apps"
	"bellwether/apps/app"
	"bellwether/dataset"
	"bellwether/history/lake"
	"bellwether/learn"
	"bellwether/web"
)

// Exports are the things that can be had as files: the tables of the lake, each task's data, and what applications give.
func Exports() []app.Export {
	var out []app.Export
	for _, t := range []struct{ name, doc string }{
		{lake.Events, "what people did, clean"}, {lake.Decisions, "every decision with candidates and propensities"}, {lake.Outcomes, "what followed each decision"},
	} {
		out = append(out, app.Export{Name: t.name, Doc: t.doc + ", as Parquet", ContentType: parquet})
	}
	for _, t := range app.Tasks(apps.All()) {
		out = append(out, app.Export{Name: t.Name, Doc: "what " + t.Name + " learns from, as Parquet", ContentType: parquet})
	}
	for _, a := range apps.All() {
		out = append(out, a.Exports...)
	}
	return out
}

const parquet = "application/vnd.apache.parquet"

// Export writes one of [Exports].
func (p *Project) Export(ctx context.Context, what string, w io.Writer) error {
	all := Exports()
	i := slices.IndexFunc(all, func(e app.Export) bool { return e.Name == what })
	switch {
	case i < 0:
		return fmt.Errorf("%w: there is no export %q", app.ErrBadRequest, what)
	case all[i].Write != nil:
		return all[i].Write(ctx, p.Project, w)
	case what == lake.Events || what == lake.Decisions || what == lake.Outcomes:
		return p.exportTable(ctx, what, w)
	}
	t, err := p.Registry.Task(what)
	if err != nil {
		return err
	}
	m, err := p.Material(ctx, t, nil, p.Clock(), web.Progress(ctx))
	if err != nil && !(errors.Is(err, learn.ErrNoData) && m.Data != nil) {
		return err
	}
	if m.Data.Sequences != nil {
		return dataset.WriteSequences(w, m.Data.Sequences)
	}
	return dataset.WriteTable(w, m.Data.Table)
}

// exportTable writes a table of the lake, brought up to now.
func (p *Project) exportTable(ctx context.Context, table string, w io.Writer) error {
	// While a turn runs, the files are as the last one left them, or as this one does.
	if _, err := p.refresh(ctx, true); err != nil && !(errors.Is(err, learn.ErrTurnRunning) && lake.Written(ctx, p.o.Lake)) {
		return err
	}
	return lake.Export(ctx, p.o.Lake, table, lake.Parquet, lake.Filter{}, w)
}

// lake returns the reducer that brings the files of clean events, decisions and outcomes up to date.
func (p *Project) lake(ctx context.Context, asOf time.Time, wait float64) (*lake.Writer, error) {
	return lake.NewWriter(ctx, p.o.Lake, lake.Options{
		Decision: p.History.Decision, Currency: p.Currency, Cursor: p.History.Cursor(), AsOf: asOf, Wait: wait,
	})
}
