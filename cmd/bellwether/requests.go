package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"text/tabwriter"

	"bellwether"
	"bellwether/api"
	"bellwether/pipeline"

	"github.com/spf13/cobra"
)

func (a *app) recommend() *cobra.Command {
	var r pipeline.RecommendRequest
	var surface string
	var log, everybody bool
	cmd := &cobra.Command{
		Use: "recommend [PERSON]", Short: "A slate for one person or --everybody, as a preview; --log makes it a decision", Args: cobra.MaximumNArgs(1),
		Example: "  bellwether recommend ann\n  bellwether recommend --everybody --surface email --key monday --log >slates.tsv",
		RunE: a.with(func(c *cobra.Command, args []string, o *opened) error {
			r.Surface, r.Preview = bellwether.Surface(surface), !log
			if everybody != (len(args) == 0) {
				return exit{2, errors.New("name a person, or give --everybody: see bellwether recommend --help")}
			}
			if everybody {
				return a.recommendAll(c, o, r)
			}
			r.Subject = bellwether.Subject(args[0])
			answer, err := o.engine.Recommend(c.Context(), r)
			if err != nil {
				return err
			}
			return a.printDecision(c.OutOrStdout(), &answer)
		}),
	}
	f := cmd.Flags()
	f.IntVarP(&r.K, "count", "k", 10, "how many items")
	f.StringVar(&surface, "surface", "home", "where it would be shown")
	f.StringVar(&r.Category, "category", "", "only items of it")
	f.StringVar(&r.Exclude, "exclude", "purchased", "leave out what was purchased or seen, or none")
	f.StringVar(&r.Key, "key", "", "idempotency key; with --everybody each person has one that begins with it")
	f.BoolVar(&log, "log", false, "write the decision to the log")
	f.BoolVar(&everybody, "everybody", false, "for each person who signed in: a line of tabs each, or with --json an array")
	return cmd
}

// slate is what one person of everybody gets.
type slate struct {
	Subject  bellwether.Subject      `json:"subject"`
	Decision bellwether.DecisionID   `json:"decision,omitempty"`
	Model    bellwether.ModelVersion `json:"model"`
	Holdout  bool                    `json:"holdout"`
	Items    []bellwether.Candidate  `json:"items"`
}

// recommendAll writes a slate for everybody as it comes: person, model, then the items.
func (a *app) recommendAll(c *cobra.Command, o *opened, r pipeline.RecommendRequest) error {
	w := bufio.NewWriter(c.OutOrStdout())
	n, without, between := 0, 0, "[\n"
	err := o.engine.Everybody(c.Context(), r, func(who bellwether.Subject, answer pipeline.Answer, err error) error {
		if errors.Is(err, pipeline.ErrNothingToRecommend) {
			without++
			return nil
		}
		if err != nil {
			return fmt.Errorf("recommending to %s: %w", who, err)
		}
		n++
		d := &answer.Decision
		s := slate{Subject: who, Decision: d.ID, Model: d.Model, Holdout: d.Holdout}
		for _, at := range d.Actions {
			s.Items = append(s.Items, d.Candidates[at])
		}
		if !a.json {
			return writeSlate(w, &s)
		}
		text, err := json.Marshal(s)
		fmt.Fprintf(w, "%s%s", between, text)
		between = ",\n"
		return err
	})
	if a.json {
		if n == 0 {
			fmt.Fprint(w, between)
		}
		fmt.Fprint(w, "\n]\n")
	}
	fmt.Fprintf(os.Stderr, "%d people have a slate; no item may be shown to %d\n", n, without)
	return errors.Join(err, w.Flush())
}

func writeSlate(w io.Writer, s *slate) error {
	fmt.Fprintf(w, "%s\t%s", s.Subject, s.Model)
	for _, it := range s.Items {
		fmt.Fprintf(w, "\t%s", it.Action)
	}
	_, err := fmt.Fprintln(w)
	return err
}

func (a *app) decide() *cobra.Command {
	var r pipeline.ActionRequest
	var surface string
	var log bool
	cmd := &cobra.Command{
		Use: "decide PERSON ACTION…", Short: "One of a few actions for one person, as a preview; the last action is what the holdout gets", Args: cobra.MinimumNArgs(2),
		RunE: a.with(func(c *cobra.Command, args []string, o *opened) error {
			r.Subject, r.Actions, r.Surface, r.Preview = bellwether.Subject(args[0]), args[1:], bellwether.Surface(surface), !log
			answer, err := o.engine.Act(c.Context(), r)
			if err != nil {
				return err
			}
			return a.printDecision(c.OutOrStdout(), &answer)
		}),
	}
	cmd.Flags().StringVar(&surface, "surface", "email", "where it would be taken")
	cmd.Flags().StringVar(&r.Key, "key", "", "idempotency key")
	cmd.Flags().BoolVar(&log, "log", false, "write the decision to the log")
	return cmd
}

func (a *app) printDecision(w io.Writer, answer *pipeline.Answer) error {
	d := &answer.Decision
	return a.print(w, answer, func(w io.Writer) error {
		fmt.Fprintf(w, "%s for %s by %s, policy %s", d.Surface, d.Subject, d.Model, d.Policy)
		if d.Holdout {
			fmt.Fprint(w, ", in the holdout")
		}
		if answer.Reason != "" {
			fmt.Fprintf(w, " (%s)", answer.Reason)
		}
		fmt.Fprintln(w)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "\tACTION\tSCORE\tPROPENSITY")
		for i, at := range d.Actions {
			c := d.Candidates[at]
			fmt.Fprintf(t, "%d\t%s\t%.4f\t%.4f\n", i+1, c.Action, c.Score, c.Propensity)
		}
		return t.Flush()
	})
}

func (a *app) predict() *cobra.Command {
	var rows string
	cmd := &cobra.Command{
		Use: "predict [PERSON]", Short: "The probability that the behaviour model gives, for a person or for rows in a JSON file", Args: cobra.MaximumNArgs(1),
		RunE: a.with(func(c *cobra.Command, args []string, o *opened) error {
			var table []map[string]any
			var subject bellwether.Subject
			switch {
			case len(args) == 1 && rows == "":
				subject = bellwether.Subject(args[0])
			case len(args) == 0 && rows != "":
				b, err := os.ReadFile(rows)
				if err != nil {
					return err
				}
				if err := json.Unmarshal(b, &table); err != nil {
					return exit{2, fmt.Errorf("%s is not a JSON array of objects: %w", rows, err)}
				}
			default:
				return exit{2, errors.New("name a person, or a file with --rows")}
			}
			p, version, err := o.engine.Predict(c.Context(), "behaviour", subject, table)
			if err != nil {
				return err
			}
			return a.print(c.OutOrStdout(), map[string]any{"model": version, "probabilities": p}, func(w io.Writer) error {
				for _, v := range p {
					fmt.Fprintf(w, "%.4f\n", v)
				}
				return nil
			})
		}),
	}
	cmd.Flags().StringVar(&rows, "rows", "", "JSON file: an array of objects by column name")
	return cmd
}

func (a *app) outlook() *cobra.Command {
	return &cobra.Command{
		Use: "outlook PERSON", Short: "What the customer model expects a person to do next, and when", Args: cobra.ExactArgs(1),
		RunE: a.with(func(c *cobra.Command, args []string, o *opened) error {
			answer, err := o.engine.Outlook(c.Context(), bellwether.Subject(args[0]))
			if err != nil {
				return err
			}
			return a.print(c.OutOrStdout(), answer, func(w io.Writer) error { return writeOutlook(w, &answer) })
		}),
	}
}

func writeOutlook(w io.Writer, o *pipeline.Outlook) error {
	fmt.Fprintf(w, "%s, by %s (point estimates)\n", o.Subject, o.Model)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	types := slices.SortedFunc(maps.Keys(o.Types), func(a, b bellwether.EventType) int {
		return cmp.Or(cmp.Compare(o.Types[b], o.Types[a]), cmp.Compare(a, b))
	})
	for _, kind := range types {
		fmt.Fprintf(t, "next is %s\t%.4f\n", kind, o.Types[kind])
	}
	for _, within := range o.Within {
		fmt.Fprintf(t, "within %s\t%.4f\n", span(within.Seconds), within.Probability)
	}
	return t.Flush()
}

// span is a number of seconds in hours or days.
func span(seconds int64) string {
	if seconds < 86_400 {
		return fmt.Sprintf("%d h", seconds/3600)
	}
	return fmt.Sprintf("%d days", seconds/86_400)
}

func (a *app) keys() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "The keys of the project"}
	cmd.AddCommand(
		&cobra.Command{
			Use: "create write|admin", Short: "Make a key; it is shown this once", Args: cobra.ExactArgs(1),
			RunE: a.with(func(c *cobra.Command, args []string, o *opened) error {
				role := api.Role(args[0])
				if role != api.Write && role != api.Admin {
					return exit{2, fmt.Errorf("role is %q; it can be write or admin", args[0])}
				}
				p, err := o.store.Project(c.Context(), bellwether.ProjectID(a.project))
				if err != nil {
					return err
				}
				key, err := o.keys.Create(c.Context(), p, role)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(c.OutOrStdout(), key)
				return err
			}),
		},
		&cobra.Command{
			Use: "revoke KEY", Short: "Make a key worthless", Args: cobra.ExactArgs(1),
			RunE: a.with(func(c *cobra.Command, args []string, o *opened) error {
				if err := o.keys.Revoke(c.Context(), o.store, args[0]); errors.Is(err, api.ErrNoKey) {
					return exit{4, err}
				} else if err != nil {
					return err
				}
				_, err := fmt.Fprintln(c.OutOrStdout(), "revoked")
				return err
			}),
		},
	)
	return cmd
}
