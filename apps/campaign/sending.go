package campaign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"text/tabwriter"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/decide"
	"bellwether/web"
	"bellwether/web/routes"

	"github.com/spf13/cobra"
)

// sendRoutes decide for everybody and carry it out.
func sendRoutes(act app.Act) []web.Route {
	return routes.Send(func(ctx context.Context, c routes.Campaign, _ func(bellwether.Progress)) (planned []decide.Planned, err error) {
		p, err := app.From(ctx)
		if err != nil {
			return nil, err
		}
		if p.Options.Sending == nil {
			return nil, fmt.Errorf("%w: nothing is configured to send with", app.ErrBadRequest)
		}
		actor, closeActor, options, err := p.Options.Sending(app.Way{By: c.By, Audience: c.Audience, Really: c.Really})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, closeActor()) }()
		return Send(ctx, p, act, Campaign{Name: c.Name, Surface: bellwether.Surface(c.Surface), Title: c.Title, Text: c.Text, Really: c.Really}, actor, options)
	})
}

// sendCommand is the same from the shell.
func sendCommand(sh app.Shell) *cobra.Command {
	var c routes.Campaign
	var mail, webhook bool
	cmd := &cobra.Command{
		Use: "send CAMPAIGN", Short: "Decide for everybody and carry it out; a dry run unless --really is given", Args: cobra.ExactArgs(1),
		Long: "Decide for every known person whether the campaign's message is sent, and send it by mail, webhook or as an audience\n" +
			"file, within consent, quiet hours and frequency caps. Without --really nothing is decided or sent: it shows who would\n" +
			"get what, and who would be held back and why.",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			switch {
			case mail:
				c.By = "mail"
			case webhook:
				c.By = "webhook"
			case c.Audience != "":
				c.By = "audience"
			case c.Really:
				return fmt.Errorf("%w: say how to send: --mail, --webhook or --audience FILE", app.ErrBadRequest)
			}
			if c.Audience != "" {
				if c.Audience, err = filepath.Abs(c.Audience); err != nil {
					return err
				}
			}
			client, err := sh.Client(cmd.Context())
			if err != nil {
				return err
			}
			var planned []decide.Planned
			if err := client.Do(cmd.Context(), http.MethodPost, "/v1/campaigns/"+url.PathEscape(args[0])+"/send", &c, &planned, sh.Report()); err != nil {
				return err
			}
			if err := sh.Print(cmd.OutOrStdout(), planned, func(w io.Writer) error { return writePlan(w, planned, c.Really) }); err != nil {
				return err
			}
			return failedOf(planned)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Title, "title", "", "of the message")
	f.StringVar(&c.Text, "text", "", "of the message")
	f.StringVar(&c.Surface, "surface", "email", "the surface whose policy decides")
	f.StringVar(&c.Audience, "audience", "", "write who gets it to this CSV or .jsonl file")
	f.BoolVar(&mail, "mail", false, "send by the configured SMTP server")
	f.BoolVar(&webhook, "webhook", false, "post to the configured webhook")
	f.BoolVar(&c.Really, "really", false, "decide and send; without it a dry run")
	return cmd
}

// failedOf reports messages that did not go out.
func failedOf(planned []decide.Planned) error {
	failed := 0
	for i := range planned {
		if planned[i].Error != "" {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d messages failed: run the same command again to send them", failed, len(planned))
	}
	return nil
}

// writePlan shows who gets what, and how many are held back and why.
func writePlan(w io.Writer, planned []decide.Planned, really bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PERSON\tACTION\tADDRESS\tWHAT HAPPENS")
	held := make(map[decide.Reason]int)
	for _, p := range planned {
		what := "would be sent"
		switch {
		case p.Held != "":
			what = "held back: " + string(p.Held)
			if p.Detail != "" {
				what += " (" + p.Detail + ")"
			}
		case p.Error != "":
			what = "failed: " + p.Error
		case p.Sent:
			what = "sent"
		}
		held[p.Held]++
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.Subject, p.Action, p.Address, what)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d people, %d get it", len(planned), held[""])
	for _, r := range []decide.Reason{decide.HeldNoConsent, decide.HeldNoAction, decide.HeldHoldout, decide.HeldNoAddress, decide.HeldQuiet, decide.HeldRepeated, decide.HeldCap} {
		if held[r] > 0 {
			fmt.Fprintf(w, ", %d held back: %s", held[r], r)
		}
	}
	if !really {
		fmt.Fprint(w, "\nNothing was decided or sent: this is a dry run. Add --really to do it.")
	}
	_, err := fmt.Fprintln(w)
	return err
}
