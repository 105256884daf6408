package app

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"bellwether"
	"bellwether/web"
)

// Shell is what the commands of applications work with: they ask the routes that everybody asks.
type Shell interface {
	// Client returns the client of the server that runs on the data folder, or of the folder itself. The shell closes it.
	Client(ctx context.Context) (*web.Client, error)
	// JSON reports whether one JSON document is wanted on stdout.
	JSON() bool
	// Report takes reports of a call that takes long; nil: nobody wants them.
	Report() func(bellwether.Progress)
	// Print writes v as JSON where that is wanted, else what text writes.
	Print(w io.Writer, v any, text func(io.Writer) error) error
}

// DecisionAnswer is a decision as a route answers it.
type DecisionAnswer struct {
	Decision   bellwether.DecisionID   `json:"decision"`
	Subject    bellwether.Subject      `json:"subject"`
	Surface    bellwether.Surface      `json:"surface"`
	Model      bellwether.ModelVersion `json:"model"`
	Policy     bellwether.PolicyID     `json:"policy"`
	Holdout    bool                    `json:"holdout"`
	Reason     string                  `json:"reason,omitempty" doc:"Why the model in service did not answer."`
	Propensity float64                 `json:"propensity" doc:"Of the action, or of the slate in this order."`
}

// Described is a decision as a route answers it.
func (a *Answer) Described() DecisionAnswer {
	d := &a.Decision
	return DecisionAnswer{
		Decision: d.ID, Subject: d.Subject, Surface: d.Surface, Model: d.Model, Policy: d.Policy, Holdout: d.Holdout, Reason: a.Reason, Propensity: d.Propensity,
	}
}

// Write writes a decision, and rows of action, score and propensity, for people.
func (d *DecisionAnswer) Write(w io.Writer, chosen []bellwether.Candidate) error {
	fmt.Fprintf(w, "%s for %s by %s, policy %s", d.Surface, d.Subject, d.Model, d.Policy)
	if d.Holdout {
		fmt.Fprint(w, ", in the holdout")
	}
	if d.Reason != "" {
		fmt.Fprintf(w, " (%s)", d.Reason)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tACTION\tSCORE\tPROPENSITY")
	for i, c := range chosen {
		fmt.Fprintf(t, "%d\t%s\t%.4f\t%.4f\n", i+1, c.Action, c.Score, c.Propensity)
	}
	return t.Flush()
}
