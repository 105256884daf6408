package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"bellwether"
	"bellwether/evaluate"
	"bellwether/pipeline"
	"bellwether/prepare"

	"github.com/spf13/cobra"
)

// application is the first argument, recommend when there is none.
func application(args []string) string {
	if len(args) == 0 {
		return "recommend"
	}
	return args[0]
}

func (a *app) train() *cobra.Command {
	var training pipeline.Training
	var file string
	var table prepare.ReadTableOptions
	cmd := &cobra.Command{
		Use: "train [APPLICATION]", Short: "Fit every model of an application (recommend, behaviour) on the log or a table", Args: cobra.MaximumNArgs(1),
		Long: "Fit every model of an application on what the log holds. A run that is interrupted is resumed by the same\n" +
			"command while the data are the same. With --table FILE.csv the behaviour models learn from a table instead.",
		Example: "  bellwether train recommend --minutes 10\n  bellwether train behaviour --table churn.csv --target Churn --positive Yes --drop customerID",
		RunE: func(c *cobra.Command, args []string) (err error) {
			o, err := a.open(c.Context(), func(p *pipeline.Options) error { return override(&p.Training, training) })
			if err != nil {
				return err
			}
			defer func() { err = closing(err, o) }()
			var t *bellwether.Table
			if file != "" {
				if t, err = a.readTable(file, table); err != nil {
					return err
				}
			}
			version, err := o.engine.Train(c.Context(), application(args), t, a.progress())
			if err != nil {
				return err
			}
			return a.print(c.OutOrStdout(), map[string]any{"version": version}, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "trained %s; next: bellwether evaluate %s\n", version, application(args))
				return err
			})
		},
	}
	f := cmd.Flags()
	f.Float64Var(&training.Minutes, "minutes", 0, "of training; 0: as configured")
	f.IntVar(&training.Epochs, "epochs", 0, "of the neural models, at most; 0: as configured")
	f.StringVar(&training.Preset, "preset", "", "of the customer model: tiny, base, large, or a JSON file of settings; empty: as configured")
	f.Uint64Var(&training.Seed, "seed", 0, "0: as configured")
	f.StringVar(&file, "table", "", "learn from this CSV file (.gz is fine) in place of the log")
	f.StringVar(&table.Target, "target", "", "with --table: the column to predict")
	f.StringVar(&table.Positive, "positive", "", "with --table: the value of the target that counts as 1")
	f.StringSliceVar(&table.Drop, "drop", nil, "with --table: columns to leave out")
	return cmd
}

// override takes what was said on the command line.
func override(t *pipeline.Training, said pipeline.Training) error {
	if said.Epochs > 0 {
		t.Epochs, t.Minutes = said.Epochs, 0
	}
	if said.Minutes > 0 {
		t.Minutes = said.Minutes
	}
	if said.Seed > 0 {
		t.Seed = said.Seed
	}
	if said.Preset != "" {
		return setPreset(t, said.Preset)
	}
	return nil
}

// readTable reads a CSV file; what was repaired goes to stderr.
func (a *app) readTable(path string, o prepare.ReadTableOptions) (*bellwether.Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	t, report, err := prepare.ReadTable(r, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, rule := range report.Rules {
		if rule.Seen > 0 {
			fmt.Fprintf(os.Stderr, "%s: %d seen, %d changed, %d dropped. %s\n", rule.Rule, rule.Seen, rule.Changed, rule.Dropped, rule.Why)
		}
	}
	return t, nil
}

func (a *app) evaluate() *cobra.Command {
	var card string
	cmd := &cobra.Command{
		Use: "evaluate [APPLICATION]", Short: "Rank the models of the newest run beside the baselines, and write the card", Args: cobra.MaximumNArgs(1),
		RunE: a.with(func(c *cobra.Command, args []string, o *opened) error {
			result, err := o.engine.Evaluate(c.Context(), application(args), a.progress())
			if err != nil {
				return err
			}
			if card != "" {
				if err := writeFile(card, func(w io.Writer) error { return evaluate.WriteCard(w, result) }); err != nil {
					return err
				}
			}
			return a.print(c.OutOrStdout(), result, func(w io.Writer) error { return evaluate.WriteCard(w, result) })
		}),
	}
	cmd.Flags().StringVar(&card, "card", "", "also write the card to this Markdown file")
	return cmd
}

func (a *app) promote() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "promote [APPLICATION]", Short: "Put the best model of the newest evaluated run in service if it beats what is there", Args: cobra.MaximumNArgs(1),
		RunE: a.with(func(c *cobra.Command, args []string, o *opened) error {
			done, reason, err := o.engine.Promote(c.Context(), application(args), force, a.progress())
			if err != nil {
				return err
			}
			return a.print(c.OutOrStdout(), map[string]any{"promoted": done, "reason": reason}, func(w io.Writer) error {
				verb := "promoted"
				if !done {
					verb = "not promoted"
				}
				_, err := fmt.Fprintf(w, "%s: %s\n", verb, reason)
				return err
			})
		}),
	}
	cmd.Flags().BoolVar(&force, "force", false, "whatever is in service")
	return cmd
}

func (a *app) turn() *cobra.Command {
	var training pipeline.Training
	cmd := &cobra.Command{
		Use: "turn", Short: "The whole turn once: measure, prepare, train, evaluate, promote", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			o, err := a.open(c.Context(), func(p *pipeline.Options) error { return override(&p.Training, training) })
			if err != nil {
				return err
			}
			defer func() { err = closing(err, o) }()
			r, err := o.engine.Turn(c.Context(), a.progress())
			if shown := a.print(c.OutOrStdout(), r, func(w io.Writer) error { return writeTurn(w, &r) }); err == nil {
				err = shown
			}
			return err
		},
	}
	cmd.Flags().Float64Var(&training.Minutes, "minutes", 0, "of training; 0: as configured")
	cmd.Flags().IntVar(&training.Epochs, "epochs", 0, "of the neural models, at most; 0: as configured")
	cmd.Flags().StringVar(&training.Preset, "preset", "", "of the customer model: tiny, base, large, or a JSON file of settings; empty: as configured")
	return cmd
}

func writeTurn(w io.Writer, r *pipeline.TurnReport) error {
	fmt.Fprintf(w, "%d events and %d decisions, as of %s, in %.1f s\n", r.Events, r.Decisions, r.AsOf.Format("2006-01-02 15:04"), r.Seconds)
	for _, app := range r.Applications {
		verb := "not promoted"
		if app.Promoted {
			verb = "promoted " + string(app.Version)
		}
		fmt.Fprintf(w, "\n%s: %s. %s\n", app.Application, verb, app.Reason)
		if err := writeRows(w, app.Rows); err != nil {
			return err
		}
	}
	return nil
}

// writeRows prints the table of models by their validation and test figures.
func writeRows(w io.Writer, rows []bellwether.CardRow) error {
	if len(rows) == 0 {
		return nil
	}
	columns := []string{"hr@10", "ndcg@10"}
	if _, ok := rows[0].Test["auc"]; ok {
		columns = []string{"auc", "f1", "logloss"}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "model\t")
	for _, part := range []string{"validation", "test"} {
		for _, c := range columns {
			fmt.Fprintf(t, "%s %s\t", part, c)
		}
	}
	fmt.Fprintln(t, "fit s\t")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t", r.Name)
		for _, c := range columns {
			fmt.Fprintf(t, "%.4f\t", r.Validation[c].Value)
		}
		for _, c := range columns {
			fmt.Fprintf(t, "%.4f\t", r.Test[c].Value)
		}
		fmt.Fprintf(t, "%.1f\t\n", r.FitSeconds)
	}
	return t.Flush()
}

// writeFile writes a file that a person named: whole, or not at all.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = errors.Join(f.Chmod(0o644), write(f))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// closing closes o and keeps the first error.
func closing(err error, o *opened) error {
	if closed := o.Close(); err == nil {
		return closed
	}
	return err
}
