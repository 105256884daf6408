package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"bellwether/store"

	"github.com/spf13/cobra"
)

func (s *shell) backup() *cobra.Command {
	var keep int
	var list bool
	cmd := &cobra.Command{
		Use: "backup FOLDER|s3://BUCKET/PREFIX", Short: "Copy the data folder to a folder or bucket of backups, also while serving", Args: cobra.ExactArgs(1),
		Long: "Each copy takes room for what is new since the one before. Views are not copied: they are folded again from the log.\n" +
			"The data of an external NATS are copied with its own tools (nats stream backup).\n\n" + bucketHelp,
		RunE: func(c *cobra.Command, args []string) error {
			to, err := depotOf(args[0])
			if err != nil {
				return err
			}
			if list {
				return s.listCopies(c.Context(), c.OutOrStdout(), to)
			}
			made, err := store.Backup(c.Context(), s.data, to)
			if err == nil && keep > 0 {
				err = store.Prune(c.Context(), to, keep)
			}
			if err != nil {
				return err
			}
			return s.Print(c.OutOrStdout(), summary(made), func(w io.Writer) error { return writeCopy(w, made) })
		},
	}
	cmd.Flags().IntVar(&keep, "keep", 0, "remove all copies but the newest of this number; 0 keeps all")
	cmd.Flags().BoolVar(&list, "list", false, "list the copies instead")
	return cmd
}

// copySummary is a copy without its files.
type copySummary struct {
	Made    time.Time          `json:"made"`
	Files   int                `json:"files"`
	Bytes   int64              `json:"bytes"`
	New     int64              `json:"new_bytes"`
	Streams []store.CopiedLast `json:"streams"`
}

func summary(c store.Copy) copySummary {
	s := copySummary{Made: c.Made, Files: len(c.Files), New: c.New, Streams: c.Streams}
	for _, f := range c.Files {
		s.Bytes += f.Size
	}
	return s
}

func writeCopy(w io.Writer, c store.Copy) error {
	s := summary(c)
	_, err := fmt.Fprintf(w, "%s  %d files, %d bytes, %d of them new\n", s.Made.Format(time.RFC3339Nano), s.Files, s.Bytes, s.New)
	return err
}

func (s *shell) listCopies(ctx context.Context, w io.Writer, from store.Depot) error {
	copies, err := store.Copies(ctx, from)
	if err != nil {
		return err
	}
	all := make([]copySummary, len(copies))
	for i, c := range copies {
		all[i] = summary(c)
	}
	return s.Print(w, all, func(w io.Writer) error {
		for _, c := range copies {
			if err := writeCopy(w, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *shell) restore() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use: "restore FOLDER|s3://BUCKET/PREFIX", Short: "Make the data folder of the newest copy in a folder or bucket of backups", Args: cobra.ExactArgs(1),
		Long: "The data folder must be absent or empty. What was written is read again, compared with the copy and checked.\n\n" + bucketHelp,
		RunE: func(c *cobra.Command, args []string) error {
			var when time.Time
			if at != "" {
				var err error
				if when, err = time.Parse(time.RFC3339Nano, at); err != nil {
					return exit{2, fmt.Errorf("--at: %w", err)}
				}
			}
			from, err := depotOf(args[0])
			if err != nil {
				return err
			}
			made, err := store.Restore(c.Context(), from, s.data, when)
			if err != nil {
				return err
			}
			return s.Print(c.OutOrStdout(), summary(made), func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s is as it was on %s, compared file by file; views are folded again at the next start\n", s.data, made.Made.Format(time.RFC3339Nano))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "the newest copy made no later than this time, such as 2026-11-27T08:00:00Z")
	return cmd
}
