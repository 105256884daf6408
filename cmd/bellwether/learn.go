package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"bellwether"
	"bellwether/apps"
	"bellwether/apps/app"
	"bellwether/evaluate"
	"bellwether/host"
	"bellwether/pipeline"
	"bellwether/web/routes"

	"github.com/spf13/cobra"
)

// task is the first argument, the first task of all when there is none.
func task(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return app.Tasks(apps.All())[0].Name
}

func tasks() string {
	var names []string
	for _, t := range app.Tasks(apps.All()) {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

// known reports a task that there is not, before anything is opened.
func known(args []string) error {
	for _, t := range app.Tasks(apps.All()) {
		if t.Name == task(args) {
			return nil
		}
	}
	return exit{2, fmt.Errorf("there is no task %q: it can be one of %s", task(args), tasks())}
}

// completeTask offers the tasks to the shell that completes a command line.
func completeTask(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return strings.Split(tasks(), ", "), cobra.ShellCompDirectiveNoFileComp
}

// stage asks for one stage of a turn.
func (s *shell) stage(c *cobra.Command, name string, args []string, t routes.Training, out any, creates bool) error {
	if err := known(args); err != nil {
		return err
	}
	connect := s.Client
	if creates {
		connect = s.createClient
	}
	client, err := connect(c.Context())
	if err != nil {
		return err
	}
	path := "/v1/tasks/" + task(args) + "/" + name
	if name == "turn" {
		path = "/v1/turn"
	}
	return client.Do(c.Context(), http.MethodPost, path, &t, out, s.Report())
}

// trainingFlags are those of commands that train.
func trainingFlags(c *cobra.Command, t *routes.Training) {
	f := c.Flags()
	f.Float64Var(&t.Minutes, "minutes", 0, "of training; 0: as configured")
	f.IntVar(&t.Epochs, "epochs", 0, "of the neural models, at most; 0: as configured")
	f.StringVar(&t.Preset, "preset", "", "of the customer model: tiny, base, large, or a JSON file of settings; empty: as configured")
	f.Uint64Var(&t.Seed, "seed", 0, "0: as configured")
}

// tableFlags are those of commands that may learn from a table.
func tableFlags(c *cobra.Command, t *routes.Training) {
	f := c.Flags()
	f.StringVar(&t.Table, "table", "", "learn from this CSV file (.gz is fine) in place of the log")
	f.StringVar(&t.Target, "target", "", "with --table: the column to predict")
	f.StringVar(&t.Positive, "positive", "", "with --table: the value of the target that counts as 1")
	f.StringSliceVar(&t.Drop, "drop", nil, "with --table: columns to leave out")
	f.StringSliceVar(&t.Allow, "allow", nil, "with --table: columns that may tell the outcome alone, and are no leak of it")
}

// located makes the files that t names findable from anywhere, and reports one that is not there.
func located(t *routes.Training) (err error) {
	for _, name := range []*string{&t.Table, &t.Preset} {
		if *name == "" || name == &t.Preset && filepath.Ext(*name) != ".json" {
			continue
		}
		if _, err := os.Stat(*name); err != nil {
			return exit{2, err}
		}
		if *name, err = filepath.Abs(*name); err != nil {
			return err
		}
	}
	return nil
}

func (s *shell) train() *cobra.Command {
	var t routes.Training
	cmd := &cobra.Command{
		ValidArgsFunction: completeTask,
		Use:               "train [TASK]", Short: "Fit every model of a task on the log or a table", Args: cobra.MaximumNArgs(1),
		Long: "Fit every model of a task (" + tasks() + ") on what the log holds. A run that is interrupted is resumed by the same\n" +
			"command while the data are the same. With --table FILE.csv it learns from a table instead.",
		Example: "  bellwether train --minutes 10\n  bellwether train TASK --table churn.csv --target Churn --positive Yes --drop customerID",
		RunE: func(c *cobra.Command, args []string) error {
			if err := located(&t); err != nil {
				return err
			}
			var r host.Trained
			if err := s.stage(c, "train", args, t, &r, t.Table != ""); err != nil {
				return err
			}
			return s.Print(c.OutOrStdout(), r, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "trained %s; next: bellwether evaluate %s\n", r.Version, task(args))
				return err
			})
		},
	}
	trainingFlags(cmd, &t)
	tableFlags(cmd, &t)
	return cmd
}

func (s *shell) evaluate() *cobra.Command {
	var t routes.Training
	var card string
	cmd := &cobra.Command{
		ValidArgsFunction: completeTask,
		Use:               "evaluate [TASK]", Short: "Rank the models of the newest run next to plain ones, and write the card", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := located(&t); err != nil {
				return err
			}
			var r bellwether.Card
			if err := s.stage(c, "evaluate", args, t, &r, false); err != nil {
				return err
			}
			if card != "" {
				if err := writeFile(card, func(w io.Writer) error { return evaluate.WriteCard(w, r) }); err != nil {
					return err
				}
			}
			return s.Print(c.OutOrStdout(), r, func(w io.Writer) error { return evaluate.WriteCard(w, r) })
		},
	}
	tableFlags(cmd, &t)
	cmd.Flags().StringVar(&card, "card", "", "also write the card to this Markdown file")
	return cmd
}

func (s *shell) promote() *cobra.Command {
	var t routes.Training
	cmd := &cobra.Command{
		ValidArgsFunction: completeTask,
		Use:               "promote [TASK]", Short: "Put the best model of the newest evaluated run in service if it beats what is there", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := located(&t); err != nil {
				return err
			}
			var r host.Promoted
			if err := s.stage(c, "promote", args, t, &r, false); err != nil {
				return err
			}
			return s.Print(c.OutOrStdout(), r, func(w io.Writer) error {
				verb := "promoted"
				if !r.Promoted {
					verb = "not promoted"
				}
				_, err := fmt.Fprintf(w, "%s: %s\n", verb, r.Reason)
				return err
			})
		},
	}
	tableFlags(cmd, &t)
	cmd.Flags().BoolVar(&t.Forced, "force", false, "whatever is in service")
	return cmd
}

func (s *shell) turn() *cobra.Command {
	var t routes.Training
	cmd := &cobra.Command{
		Use: "turn", Short: "The whole turn once: read everybody, measure, train, evaluate, promote", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := located(&t); err != nil {
				return err
			}
			var r pipeline.TurnReport
			if err := s.stage(c, "turn", nil, t, &r, false); err != nil {
				return err
			}
			return s.Print(c.OutOrStdout(), r, func(w io.Writer) error { return writeTurn(w, &r) })
		},
	}
	trainingFlags(cmd, &t)
	cmd.Flags().BoolVar(&t.Untrained, "no-train", false, "read everybody, measure and publish the report, and learn nothing")
	return cmd
}

func writeTurn(w io.Writer, r *pipeline.TurnReport) error {
	fmt.Fprintf(w, "%d events of %d people and %d decisions, as of %s, in %.1f s\n", r.Events, r.People, r.Decisions, r.AsOf.Format("2006-01-02 15:04"), r.Seconds)
	for _, rule := range r.Cleaning {
		if rule.Changed+rule.Dropped > 0 {
			fmt.Fprintf(w, "  %s: %d changed, %d dropped (%s)\n", rule.Rule, rule.Changed, rule.Dropped, rule.Why)
		}
	}
	for _, t := range r.Tasks {
		verb := "not promoted"
		if t.Promoted {
			verb = "promoted " + string(t.Version)
		}
		fmt.Fprintf(w, "\n%s: %s. %s\n", t.Task, verb, t.Reason)
		if err := writeRows(w, t.Rows); err != nil {
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
