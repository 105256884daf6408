package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"bellwether/store"

	"github.com/spf13/cobra"
)

func (s *shell) doctor() *cobra.Command {
	var accept bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check every stored file of the data folder; exit code 1 when something is damaged or missing", Args: cobra.NoArgs,
		Long: "Reads every stored file and changes nothing; it also works while a program serves from the folder.\n" +
			"With --accept-loss it goes on without what is gone: each loss is noted in the log, and its project can be written again.",
		RunE: func(c *cobra.Command, _ []string) error {
			if accept {
				if err := s.acceptLoss(c.Context()); err != nil {
					return err
				}
			}
			r, err := store.Check(c.Context(), s.data)
			if err != nil {
				return err
			}
			if err := s.Print(c.OutOrStdout(), r, func(w io.Writer) error { return writeReport(w, r) }); err != nil {
				return err
			}
			if r.Damaged() {
				return exit{code: 1}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&accept, "accept-loss", false, "go on without what is gone, and note that in the log")
	return cmd
}

// acceptLoss opens every project of the folder with its losses accepted.
func (s *shell) acceptLoss(ctx context.Context) (err error) {
	st, err := store.Open(ctx, s.data, store.Options{AcceptLoss: true, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	ids, err := st.Projects(ctx)
	for _, id := range ids {
		if _, e := st.Project(ctx, id); e != nil {
			err = errors.Join(err, e)
		}
	}
	return err
}

func writeReport(w io.Writer, r store.Report) error {
	for _, f := range r.Findings {
		word := "note"
		if f.Damage {
			word = "DAMAGED"
		}
		where := f.File
		if where == "" {
			where = f.Stream
		}
		fmt.Fprintf(w, "%s  %s: %s\n", word, where, f.What)
	}
	for _, l := range r.Losses {
		word := "LOST"
		if !l.Accepted.IsZero() {
			word = "lost, and accepted on " + l.Accepted.Format(time.DateOnly)
		}
		fmt.Fprintf(w, "%s  %s\n", word, l)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "stream\tfiles\tbytes\tlast\t")
	for _, s := range r.Streams {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t\n", s.Stream, s.Blocks, s.Bytes, s.Last)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	switch {
	case r.Damaged():
		fmt.Fprintf(w, "\n%s is damaged. Restore it from a backup (bellwether restore), or start the program: what is whole is served, and\nwhat is gone is accepted with bellwether doctor --accept-loss.\n", r.Folder)
	case r.Serving:
		fmt.Fprintf(w, "\n%s is in order. A program serves from it, so its views were not read.\n", r.Folder)
	default:
		fmt.Fprintf(w, "\n%s is in order.\n", r.Folder)
	}
	return nil
}
