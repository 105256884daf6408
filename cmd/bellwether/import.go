package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"bellwether/collect"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver behind --sql
	"github.com/spf13/cobra"
)

func (a *app) imports() *cobra.Command {
	var format, mapping, dsn, query string
	var dry bool
	cmd := &cobra.Command{
		Use: "import FILE…", Short: "Read events, a catalogue or market data from files or a database",
		Long: "Read files into the log. Formats: segment (JSON lines), csv, parquet, sequence (user item item …), movielens,\n" +
			"items (a catalogue), spend (media), prices (of competitors); without --format it is found out from the content.\n" +
			".gz and .zst are unpacked. Rows that cannot be read are kept aside with line and reason (see bellwether rejects)\n" +
			"and the exit code is 3. Without --map a mapping is guessed for tables, and printed.",
		Example: "  bellwether import orders.csv.gz --dry-run\n  bellwether import orders.csv.gz --map orders.yaml\n" +
			"  bellwether import --sql postgres://reader@db/shop --query 'select * from orders'\n  zcat events.jsonl.gz | bellwether import -",
		RunE: a.with(func(c *cobra.Command, args []string, o *opened) error {
			options := collect.ImportOptions{Format: format, DryRun: dry}
			if mapping != "" {
				text, err := os.ReadFile(mapping)
				if err != nil {
					return err
				}
				if options.Mapping, err = collect.ParseMapping(text); err != nil {
					return exit{2, fmt.Errorf("%s: %w", mapping, err)}
				}
			}
			if (len(args) == 0) == (dsn == "") {
				return exit{2, errors.New("name files to import, or --sql with --query: see bellwether import --help")}
			}
			reports, err := a.importAll(c.Context(), o, args, dsn, query, options)
			if errors.Is(err, collect.ErrMapping) {
				return exit{2, err}
			}
			if err != nil {
				return err
			}
			if err := a.print(c.OutOrStdout(), reports, func(w io.Writer) error { return writeImports(w, reports, dry) }); err != nil {
				return err
			}
			for _, r := range reports {
				if r.Rejected > 0 {
					return exit{code: 3}
				}
			}
			return nil
		}),
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "", "of the files: segment, csv, parquet, sequence, movielens, items, spend, prices")
	f.StringVar(&mapping, "map", "", "YAML file that says how rows become events")
	f.BoolVar(&dry, "dry-run", false, "read, check and count, but write nothing")
	f.StringVar(&dsn, "sql", "", "PostgreSQL to read from, such as postgres://user@host/database")
	f.StringVar(&query, "query", "", "with --sql: what to read")
	return cmd
}

// imported is the report of one source.
type imported struct {
	Name string `json:"name"`
	collect.ImportReport
}

func (a *app) importAll(ctx context.Context, o *opened, files []string, dsn, query string, options collect.ImportOptions) ([]imported, error) {
	if dsn != "" {
		r, err := a.importQuery(ctx, o, dsn, query, options)
		return []imported{{"query", r}}, err
	}
	var out []imported
	for _, name := range files {
		r, err := a.importFile(ctx, o, name, options)
		if err != nil {
			return out, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, imported{name, r})
	}
	return out, nil
}

func (a *app) importFile(ctx context.Context, o *opened, name string, options collect.ImportOptions) (collect.ImportReport, error) {
	options.Name = filepath.Base(name)
	if name == "-" {
		options.Name = "stdin"
		return o.engine.Collector.Import(ctx, os.Stdin, options, a.progress())
	}
	f, err := os.Open(name)
	if err != nil {
		return collect.ImportReport{}, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		options.Size = info.Size()
	}
	return o.engine.Collector.Import(ctx, f, options, a.progress())
}

func (a *app) importQuery(ctx context.Context, o *opened, dsn, query string, options collect.ImportOptions) (collect.ImportReport, error) {
	if query == "" {
		return collect.ImportReport{}, exit{2, errors.New("--sql needs --query")}
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return collect.ImportReport{}, fmt.Errorf("opening the database: %w", err)
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return collect.ImportReport{}, fmt.Errorf("querying the database: %w", err)
	}
	defer rows.Close()
	options.Name = "query"
	return o.engine.Collector.ImportRows(ctx, rows, options, a.progress())
}

func writeImports(w io.Writer, reports []imported, dry bool) error {
	verb := "imported"
	if dry {
		verb = "would import"
	}
	for _, r := range reports {
		fmt.Fprintf(w, "%s (%s): %s %d events from %d rows; %d duplicates, %d refused\n", r.Name, r.Format, verb, r.Events, r.Rows, r.Duplicates, r.Rejected)
		if r.Guessed && r.Mapping != nil {
			text, err := r.Mapping.YAML()
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "this mapping was guessed; keep it in a file for --map to change it:\n%s", indent(string(text)))
		}
		if len(r.Unused) > 0 {
			fmt.Fprintf(w, "columns that are not used: %s\n", strings.Join(r.Unused, ", "))
		}
		for _, e := range r.Examples {
			fmt.Fprintf(w, "  line %d: %s\n", e.Line, e.Reason)
		}
	}
	return nil
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ") + "\n"
}

func (a *app) rejects() *cobra.Command {
	var limit int
	list := func(c *cobra.Command, _ []string, o *opened) error {
		var out []collect.Rejected
		err := o.engine.Collector.DeadLetters(c.Context(), func(r collect.Rejected) bool {
			out = append(out, r)
			return len(out) < limit
		})
		if err != nil {
			return err
		}
		return a.print(c.OutOrStdout(), out, func(w io.Writer) error {
			for _, r := range out {
				fmt.Fprintf(w, "%s  %s:%d  %s\n  %s\n", r.ID, r.Source, r.Line, r.Reason, r.Raw)
			}
			return nil
		})
	}
	cmd := &cobra.Command{Use: "rejects", Short: "What was refused and why; rejects replay tries it again", Args: cobra.NoArgs, RunE: a.with(list)}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many at most")
	cmd.AddCommand(&cobra.Command{
		Use: "replay ID…", Short: "Try refused messages again, as they are", Args: cobra.MinimumNArgs(1),
		RunE: a.with(func(c *cobra.Command, args []string, o *opened) error {
			r, err := o.engine.Collector.Replay(c.Context(), args, nil)
			if err != nil {
				return err
			}
			return json.NewEncoder(c.OutOrStdout()).Encode(r)
		}),
	})
	return cmd
}
