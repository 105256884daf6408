package recommend

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"text/tabwriter"

	"bellwether"
	"bellwether/apps/app"

	"github.com/spf13/cobra"
)

// commands are those of the shell.
func commands(sh app.Shell) []*cobra.Command {
	return []*cobra.Command{recommendCommand(sh), forecastCommand(sh)}
}

func recommendCommand(sh app.Shell) *cobra.Command {
	var b requestBody
	var surface string
	var log, everybody bool
	cmd := &cobra.Command{
		Use: "recommend [PERSON]", Short: "A slate for one person or --everybody, as a preview; --log makes it a decision", Args: cobra.MaximumNArgs(1),
		Example: "  bellwether recommend ann\n  bellwether recommend --everybody --surface email --key monday --log >slates.tsv",
		RunE: func(c *cobra.Command, args []string) error {
			if everybody != (len(args) == 0) {
				return fmt.Errorf("%w: name a person, or give --everybody: see bellwether recommend --help", app.ErrBadRequest)
			}
			b.Surface, b.Preview = bellwether.Surface(surface), !log
			if everybody {
				return recommendAllTo(c, sh, &b)
			}
			client, err := sh.Client(c.Context())
			if err != nil {
				return err
			}
			var s Slate
			b.Subject = bellwether.Subject(args[0])
			if err := client.Do(c.Context(), http.MethodPost, "/v1/recommend", &b, &s, nil); err != nil {
				return err
			}
			return sh.Print(c.OutOrStdout(), s, func(w io.Writer) error { return s.Write(w, s.candidates()) })
		},
	}
	f := cmd.Flags()
	f.IntVarP(&b.K, "count", "k", 10, "how many items")
	f.StringVar(&surface, "surface", "home", "where it would be shown")
	f.StringVar(&b.Category, "category", "", "only items of it")
	f.StringVar(&b.Exclude, "exclude", "purchased", "leave out what was purchased or seen, or none")
	f.StringVar(&b.Key, "key", "", "idempotency key; with --everybody each person has one that begins with it")
	f.BoolVar(&log, "log", false, "write the decision to the log")
	f.BoolVar(&everybody, "everybody", false, "for each person who signed in: a line of tabs each, or with --json an array")
	return cmd
}

func (s *Slate) candidates() (out []bellwether.Candidate) {
	for _, it := range s.Items {
		out = append(out, bellwether.Candidate{Action: it.Item, Score: it.Score, Propensity: it.Propensity})
	}
	return out
}

// recommendAllTo writes a slate for everybody as it comes: person, model, then the items; or the array as it is.
func recommendAllTo(c *cobra.Command, sh app.Shell, b *requestBody) error {
	client, err := sh.Client(c.Context())
	if err != nil {
		return err
	}
	ask := func(out io.Writer) error {
		return client.Do(c.Context(), http.MethodPost, "/v1/recommend/everybody", b, out, nil)
	}
	if sh.JSON() {
		return ask(c.OutOrStdout())
	}
	in, out := io.Pipe()
	asked := make(chan error, 1)
	go func() { // ends when the answer is read, or when in is closed
		err := ask(out)
		out.CloseWithError(err)
		asked <- err
	}()
	n, err := writeSlates(c.OutOrStdout(), in)
	in.CloseWithError(err)
	if err = cmp.Or(<-asked, err); err == nil {
		fmt.Fprintf(c.ErrOrStderr(), "%d people have a slate\n", n)
	}
	return err
}

// writeSlates reads the array to its end, and returns how many slates it wrote.
func writeSlates(w io.Writer, in io.Reader) (n int, err error) {
	array := json.NewDecoder(in)
	if _, err := array.Token(); err != nil {
		return 0, err
	}
	for array.More() {
		var s Slate
		if err := array.Decode(&s); err != nil {
			return n, err
		}
		line := fmt.Sprintf("%s\t%s", s.Subject, s.Model)
		for _, it := range s.Items {
			line += "\t" + it.Item
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return n, err
		}
		n++
	}
	if _, err := array.Token(); err != nil {
		return n, err
	}
	_, err = io.Copy(io.Discard, in)
	return n, err
}

func forecastCommand(sh app.Shell) *cobra.Command {
	return &cobra.Command{
		Use: "forecast PERSON", Aliases: []string{"outlook"}, Short: "What the customer model expects a person to do next, and when", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := sh.Client(c.Context())
			if err != nil {
				return err
			}
			var f Forecast
			if err := client.Do(c.Context(), http.MethodGet, "/v1/forecast?subject="+url.QueryEscape(args[0]), nil, &f, nil); err != nil {
				return err
			}
			return sh.Print(c.OutOrStdout(), f, f.write)
		},
	}
}

func (f *Forecast) write(w io.Writer) error {
	fmt.Fprintf(w, "%s, by %s (point estimates)\n", f.Subject, f.Model)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	types := slices.SortedFunc(maps.Keys(f.Types), func(a, b bellwether.EventType) int {
		return cmp.Or(cmp.Compare(f.Types[b], f.Types[a]), cmp.Compare(a, b))
	})
	for _, kind := range types {
		fmt.Fprintf(t, "next is %s\t%.4f\n", kind, f.Types[kind])
	}
	for _, within := range f.Within {
		fmt.Fprintf(t, "within %s\t%.4f\n", span(within.Seconds), within.Probability)
	}
	for _, what := range slices.Sorted(maps.Keys(f.Withheld)) {
		fmt.Fprintf(t, "%s withheld\t%s\n", what, f.Withheld[what])
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
