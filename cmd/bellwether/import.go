package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"bellwether/collect"
	"bellwether/host"
	"bellwether/web"
	"bellwether/web/routes"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver behind --sql
	"github.com/spf13/cobra"
)

// importing is what an import was told.
type importing struct {
	format, mapping, dsn, query string
	encoding                    string
	dry, replace                bool
}

func (s *shell) imports() *cobra.Command {
	var o importing
	cmd := &cobra.Command{
		Use: "import FILE…", Short: "Read events, a catalogue or market data from files or a database",
		Long: "Read files into the log. Formats: segment (JSON lines), csv, parquet, sequence (user item item …), movielens,\n" +
			"items (a catalogue), spend (media), prices (of competitors); without --format it is found out from the content.\n" +
			".gz and .zst are unpacked. Rows that cannot be read are kept aside with line and reason (see bellwether rejects)\n" +
			"and the exit code is 3. Without --map a mapping is guessed for tables, and printed.",
		Example: "  bellwether import orders.csv.gz --dry-run\n  bellwether import orders.csv.gz --map orders.yaml\n" +
			"  bellwether import --sql postgres://reader@db/shop --query 'select * from orders'\n  zcat events.jsonl.gz | bellwether import -",
		RunE: func(c *cobra.Command, args []string) error { return s.importAll(c, args, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "", "of the files: "+strings.Join(importFormats, ", "))
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(importFormats, cobra.ShellCompDirectiveNoFileComp))
	f.StringVar(&o.mapping, "map", "", "YAML file that says how rows become events")
	f.StringVar(&o.encoding, "encoding", "", "of the text, such as windows-1252, utf-16, shift_jis, gb18030; by default guessed, and printed")
	f.BoolVar(&o.replace, "replace", false, "take earlier imports of files of the same name back: this one stands in their place")
	f.BoolVar(&o.dry, "dry-run", false, "read, check and count, but write nothing")
	f.StringVar(&o.dsn, "sql", "", "PostgreSQL to read from, such as postgres://user@host/database")
	f.StringVar(&o.query, "query", "", "with --sql: what to read")
	return cmd
}

var importFormats = []string{
	collect.FormatSegment, collect.FormatEvents, collect.FormatCSV, collect.FormatJSON, collect.FormatParquet, collect.FormatGA4, collect.FormatSequence,
	collect.FormatMovieLens, collect.FormatItems, collect.FormatSpend, collect.FormatPrices,
}

// imported is the report of one source.
type imported struct {
	Name string `json:"name"`
	collect.ImportReport
}

func (s *shell) importAll(c *cobra.Command, files []string, o importing) error {
	mapping, err := o.check(files)
	if err != nil {
		return err
	}
	client, err := s.importClient(c.Context(), o.dry)
	if err != nil {
		return err
	}
	var reports []imported
	if o.dsn != "" {
		var r collect.ImportReport
		in := host.SQLImport{DSN: o.dsn, Query: o.query, Map: mapping, DryRun: o.dry, Replace: o.replace}
		if err := client.Do(c.Context(), http.MethodPost, "/v1/imports/sql", &in, &r, s.Report()); err != nil {
			return err
		}
		reports = []imported{{"query", r}}
	}
	for _, name := range files {
		r, err := s.importFile(c.Context(), client, name, mapping, o)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		reports = append(reports, imported{name, r})
	}
	if taken, refused := counts(reports); taken == 0 && !o.dry && s.opened != nil && s.opened.fresh {
		s.keyless, s.unused = true, s.created && refused == 0
		fmt.Fprintf(os.Stderr, "nothing of it was taken in: the keys of the project are made with the first import that brings something\n")
	} else if err := s.firstLook(c.Context(), client, o.dry); err != nil {
		return err
	}
	if err := s.Print(c.OutOrStdout(), reports, func(w io.Writer) error { return writeImports(w, reports, o.dry) }); err != nil {
		return err
	}
	for _, r := range reports {
		if r.Rejected > 0 {
			return exit{code: partial}
		}
	}
	return nil
}

// counts are what was taken in, duplicates too, and what was kept aside.
func counts(reports []imported) (taken, refused int64) {
	for _, r := range reports {
		taken, refused = taken+r.Accepted+r.Duplicates, refused+r.Rejected
	}
	return taken, refused
}

// firstLook reads everybody after the first import of a project, so that popularity answers before any turn. A server does so by itself.
func (s *shell) firstLook(ctx context.Context, client *web.Client, dry bool) error {
	if dry || s.opened == nil || !s.opened.fresh {
		return nil
	}
	return client.Do(ctx, http.MethodPost, "/v1/refresh", nil, nil, s.Report())
}

// check reports what can be known to be wrong before anything is opened, and returns the mapping's text.
func (o *importing) check(files []string) (string, error) {
	switch {
	case (len(files) == 0) == (o.dsn == ""):
		return "", exit{2, errors.New("name files to import, or --sql with --query: see bellwether import --help")}
	case o.dsn != "" && o.query == "":
		return "", exit{2, errors.New("--sql needs --query")}
	}
	for _, name := range files {
		if name == "-" {
			continue
		}
		if info, err := os.Stat(name); err != nil {
			return "", err
		} else if info.IsDir() {
			return "", exit{2, fmt.Errorf("%s is a folder: name its files", name)}
		}
	}
	if o.mapping == "" {
		return "", nil
	}
	text, err := os.ReadFile(o.mapping)
	if err != nil {
		return "", err
	}
	if _, err := collect.ParseMapping(text); err != nil {
		return "", exit{2, fmt.Errorf("%s: %w", o.mapping, err)}
	}
	return string(text), nil
}

// importClient is the client of an import. A dry run where there are no data works in a folder that goes again.
func (s *shell) importClient(ctx context.Context, dry bool) (*web.Client, error) {
	if !dry {
		return s.createClient(ctx)
	}
	if s.exists() {
		return s.Client(ctx)
	}
	folder, err := os.MkdirTemp("", "bellwether-dry-")
	if err != nil {
		return nil, err
	}
	s.dry = folder
	if s.config == "" {
		s.config = filepath.Join(s.data, "config.yaml")
		if _, err := os.Stat(s.config); err != nil {
			s.config = ""
		}
	}
	s.data = folder
	return s.connect(ctx)
}

func (s *shell) importFile(ctx context.Context, client *web.Client, name, mapping string, o importing) (r collect.ImportReport, err error) {
	q := url.Values{"name": {filepath.Base(name)}}
	for key, value := range map[string]string{"format": o.format, "map": mapping, "encoding": o.encoding} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if o.dry {
		q.Set("dry_run", "true")
	}
	if o.replace {
		q.Set("replace", "true")
	}
	in := os.Stdin
	if name == "-" {
		q.Set("name", "stdin")
	} else {
		if in, err = os.Open(name); err != nil {
			return r, err
		}
		defer in.Close()
		if info, err := in.Stat(); err == nil {
			q.Set("size", strconv.FormatInt(info.Size(), 10))
		}
	}
	return r, client.Do(ctx, http.MethodPost, "/v1/imports?"+q.Encode(), io.Reader(in), &r, s.Report())
}

func writeImports(w io.Writer, reports []imported, dry bool) error {
	verb := "imported"
	if dry {
		verb = "would import"
	}
	for _, r := range reports {
		fmt.Fprintf(w, "%s (%s): %s %d events from %d rows; %d duplicates, %d refused\n", r.Name, r.Format, verb, r.Events, r.Rows, r.Duplicates, r.Rejected)
		if len(r.Replaced) > 0 {
			fmt.Fprintf(w, "it stands in the place of %s\n", strings.Join(r.Replaced, ", "))
		}
		if r.ID != "" && !dry {
			fmt.Fprintf(w, "import %s: bellwether imports undo %s takes it back\n", r.ID, r.ID)
			if r.Accepted == 0 && r.Duplicates > 0 && !r.Guessed {
				fmt.Fprintf(w, "all of it was imported before: with --replace the mapping of now counts\n")
			}
		}
		for _, n := range r.Notes {
			fmt.Fprintf(w, "note: %s\n", n)
		}
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

// importList lists imports and takes them back.
func (s *shell) importList() *cobra.Command {
	cmd := &cobra.Command{Use: "imports", Short: "What was imported; imports undo takes one back"}
	list := &cobra.Command{
		Use: "list", Short: "Every import, the newest first, with its counts", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			client, err := s.Client(c.Context())
			if err != nil {
				return err
			}
			var out []collect.Batch
			if err := client.Do(c.Context(), http.MethodGet, "/v1/imports", nil, &out, nil); err != nil {
				return err
			}
			return s.Print(c.OutOrStdout(), out, func(w io.Writer) error { return writeBatches(w, out) })
		},
	}
	undo := &cobra.Command{
		Use: "undo ID", Short: "Take an import back: what came with it is not read any more, and the file can be imported again", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := s.Client(c.Context())
			if err != nil {
				return err
			}
			var b collect.Batch
			if err := client.Do(c.Context(), http.MethodPost, "/v1/imports/"+url.PathEscape(args[0])+"/undo", nil, &b, nil); err != nil {
				return err
			}
			return s.Print(c.OutOrStdout(), b, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "took %s back: %d messages of %s are not read any more\n", b.ID, b.Accepted, b.Name)
				return err
			})
		},
	}
	cmd.AddCommand(list, undo)
	return cmd
}

func writeBatches(w io.Writer, all []collect.Batch) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "IMPORT\tFILE\tFORMAT\tBEGAN\tROWS\tWRITTEN\tDUPLICATES\tREFUSED\tSTATE")
	for _, b := range all {
		state := "holds"
		switch {
		case b.ReplacedBy != "":
			state = "replaced by " + b.ReplacedBy
		case b.Undone != nil:
			state = "taken back " + b.Undone.Format(time.DateTime)
		case b.Ended == nil:
			state = "interrupted, or under way"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", b.ID, b.Name, b.Format, b.Began.Format(time.DateTime), b.Rows, b.Accepted, b.Duplicates, b.Rejected, state)
	}
	return t.Flush()
}

func (s *shell) rejects() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "rejects", Short: "What was refused and why; rejects replay tries it again", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			client, err := s.Client(c.Context())
			if err != nil {
				return err
			}
			var out []routes.Refusal
			if err := client.Do(c.Context(), http.MethodGet, "/v1/rejects?limit="+strconv.Itoa(limit), nil, &out, nil); err != nil {
				return err
			}
			return s.Print(c.OutOrStdout(), out, func(w io.Writer) error {
				for _, r := range out {
					fmt.Fprintf(w, "%s  %s:%d  %s\n  %s\n", r.ID, r.Source, r.Line, r.Reason, r.Text)
				}
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many at most")
	cmd.AddCommand(&cobra.Command{
		Use: "replay ID…", Short: "Try refused messages again, as they are", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := s.Client(c.Context())
			if err != nil {
				return err
			}
			var r collect.Result
			if err := client.Do(c.Context(), http.MethodPost, "/v1/rejects/replay", map[string]any{"ids": args}, &r, nil); err != nil {
				return err
			}
			return json.NewEncoder(c.OutOrStdout()).Encode(r)
		},
	})
	return cmd
}
