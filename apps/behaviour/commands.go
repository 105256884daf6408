package behaviour

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"bellwether"
	"bellwether/apps/app"

	"github.com/spf13/cobra"
)

// commands are those of the shell.
func commands(sh app.Shell) []*cobra.Command {
	return []*cobra.Command{decideCommand(sh), predictCommand(sh)}
}

func decideCommand(sh app.Shell) *cobra.Command {
	var b decideBody
	var log bool
	cmd := &cobra.Command{
		Use: "decide PERSON ACTION…", Short: "One of a few actions for one person, as a preview; the last action is what the holdout gets", Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := sh.Client(c.Context())
			if err != nil {
				return err
			}
			var answer Choice
			b.Subject, b.Actions, b.Preview = args[0], args[1:], !log
			if err := client.Do(c.Context(), http.MethodPost, "/v1/decide", &b, &answer, nil); err != nil {
				return err
			}
			return sh.Print(c.OutOrStdout(), answer, func(w io.Writer) error {
				return answer.Write(w, []bellwether.Candidate{{Action: answer.Action, Score: answer.Score, Propensity: answer.Propensity}})
			})
		},
	}
	cmd.Flags().StringVar(&b.Surface, "surface", "email", "where it would be taken")
	cmd.Flags().Float64SliceVar(&b.Values, "values", nil, "what each action is worth, or its effect, in the unit of the surface's policy")
	cmd.Flags().StringVar(&b.Key, "key", "", "idempotency key")
	cmd.Flags().BoolVar(&log, "log", false, "write the decision to the log")
	return cmd
}

func predictCommand(sh app.Shell) *cobra.Command {
	var rows string
	var b predictBody
	cmd := &cobra.Command{
		Use: "predict [PERSON]", Short: "The probability that the behaviour model gives, for a person or for rows in a JSON file", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && rows == "":
				b.Subject = args[0]
			case len(args) == 0 && rows != "":
				text, err := os.ReadFile(rows)
				if err != nil {
					return err
				}
				if err := json.Unmarshal(text, &b.Rows); err != nil {
					return fmt.Errorf("%w: %s is not a JSON array of objects: %w", app.ErrBadRequest, rows, err)
				}
			default:
				return fmt.Errorf("%w: name a person, or a file with --rows", app.ErrBadRequest)
			}
			client, err := sh.Client(c.Context())
			if err != nil {
				return err
			}
			var p Prediction
			if err := client.Do(c.Context(), http.MethodPost, "/v1/predict", &b, &p, nil); err != nil {
				return err
			}
			return sh.Print(c.OutOrStdout(), p, func(w io.Writer) error {
				for _, v := range p.Probabilities {
					if _, err := fmt.Fprintf(w, "%.4f\n", v); err != nil {
						return err
					}
				}
				if p.Threshold != nil {
					_, err := fmt.Fprintf(w, "a contact pays from %.4f\n", *p.Threshold)
					return err
				}
				return nil
			})
		},
	}
	cmd.Flags().Float64Var(&b.Cost, "cost", 0, "of a contact: with --value, says from which probability one pays")
	cmd.Flags().Float64Var(&b.Value, "value", 0, "of contacting somebody of the positive class")
	cmd.Flags().StringVar(&rows, "rows", "", "JSON file: an array of objects by column name")
	return cmd
}
