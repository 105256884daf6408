package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"bellwether/measure"
	"bellwether/pipeline"

	"github.com/spf13/cobra"
)

func (a *app) report() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "report", Short: "What the decisions were worth", Args: cobra.NoArgs,
		RunE: a.with(func(c *cobra.Command, _ []string, o *opened) error {
			if a.json {
				format = "json"
			}
			write := map[string]func(*measure.Report, io.Writer) error{"html": (*measure.Report).WriteHTML, "json": (*measure.Report).WriteJSON, "csv": (*measure.Report).WriteCSV}[format]
			if write == nil {
				return exit{2, fmt.Errorf("format is %q; it can be html, json or csv", format)}
			}
			r, err := o.engine.Report(c.Context())
			if err != nil {
				return err
			}
			return write(r, c.OutOrStdout())
		}),
	}
	cmd.Flags().StringVar(&format, "format", "html", "html, json or csv")
	return cmd
}

func (a *app) export() *cobra.Command {
	var what, out string
	cmd := &cobra.Command{
		Use: "export", Short: "Write cleaned events or a training set as Parquet, or the sequence model", Args: cobra.NoArgs,
		Example: "  bellwether export --what events -o events.parquet\n  bellwether export --what behaviour | duckdb …\n  bellwether export --what model -o model.safetensors",
		RunE: a.with(func(c *cobra.Command, _ []string, o *opened) error {
			write := func(w io.Writer) error { return o.engine.Export(c.Context(), what, w) }
			if out == "" {
				return write(c.OutOrStdout())
			}
			if err := writeFile(out, write); err != nil || what != "model" && what != "model-onnx" {
				return err
			}
			card := strings.TrimSuffix(out, filepath.Ext(out)) + ".json"
			return writeFile(card, func(w io.Writer) error { return o.engine.Export(c.Context(), "model-card", w) })
		}),
	}
	cmd.Flags().StringVar(&what, "what", "events", "events, recommend (sequences) or behaviour (table); model (safetensors) or model-onnx, with a card (.json) beside the file, or model-card")
	cmd.Flags().StringVarP(&out, "output", "o", "", "file; stdout by default")
	return cmd
}

func (a *app) send() *cobra.Command {
	var c pipeline.Campaign
	var audience string
	var mail, webhook, really bool
	cmd := &cobra.Command{
		Use: "send CAMPAIGN", Short: "Decide for everybody and carry it out; a dry run unless --really is given", Args: cobra.ExactArgs(1),
		Long: "Decide for every known person whether the campaign's message is sent, and send it by mail, webhook or as an audience\n" +
			"file, within consent, quiet hours and frequency caps. Without --really nothing is decided or sent: it shows who would\n" +
			"get what, and who would be held back and why.",
		RunE: a.with(func(cmd *cobra.Command, args []string, o *opened) error {
			c.Name, c.Really = args[0], really
			options, err := o.sender()
			if err != nil {
				return err
			}
			actor, closeActor, err := o.actor(audience, mail, webhook, really)
			if err != nil {
				return err
			}
			planned, err := o.engine.Send(cmd.Context(), c, actor, options)
			if closed := closeActor(); err == nil {
				err = closed
			}
			if err != nil {
				return err
			}
			return a.print(cmd.OutOrStdout(), planned, func(w io.Writer) error { return writePlan(w, planned, really) })
		}),
	}
	f := cmd.Flags()
	f.StringVar(&c.Title, "title", "", "of the message")
	f.StringVar(&c.Text, "text", "", "of the message")
	f.StringVar(&c.Surface, "surface", "email", "the surface whose policy decides")
	f.StringVar(&audience, "audience", "", "write who gets it to this CSV or .jsonl file")
	f.BoolVar(&mail, "mail", false, "send by the configured SMTP server")
	f.BoolVar(&webhook, "webhook", false, "post to the configured webhook")
	f.BoolVar(&really, "really", false, "decide and send; without it a dry run")
	return cmd
}
