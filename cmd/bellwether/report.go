package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"bellwether/host"
	"bellwether/web"

	"github.com/spf13/cobra"
)

func (s *shell) report() *cobra.Command {
	var format, out string
	var fresh bool
	cmd := &cobra.Command{
		Use: "report", Short: "What the decisions were worth", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			format, err := s.reportFormat(format, out)
			if err != nil {
				return err
			}
			client, err := s.Client(c.Context())
			if err != nil {
				return err
			}
			if fresh {
				if err := client.Do(c.Context(), http.MethodPost, "/v1/refresh", nil, nil, nil); err != nil {
					return err
				}
			}
			return s.writeTo(c, out, func(w io.Writer) error {
				if format != "text" {
					return client.Do(c.Context(), http.MethodGet, "/v1/report?format="+format, nil, w, nil)
				}
				var table bytes.Buffer
				if err := client.Do(c.Context(), http.MethodGet, "/v1/report?format=csv", nil, &table, nil); err != nil {
					return err
				}
				return writeTable(w, &table)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "", "html, json, csv or text; by default text on a terminal, by the name of the file of -o, and else html")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"html", "json", "csv", "text"}, cobra.ShellCompDirectiveNoFileComp))
	f.StringVarP(&out, "output", "o", "", "file; stdout by default")
	f.BoolVar(&fresh, "fresh", false, "read everybody first: without it, as the newest turn or refreshment found")
	return cmd
}

// reportFormat is the format that was named, or the one that suits where the report goes.
func (s *shell) reportFormat(named, file string) (string, error) {
	info, err := os.Stdout.Stat()
	switch extension := strings.TrimPrefix(filepath.Ext(file), "."); {
	case s.json:
		return "json", nil
	case slices.Contains([]string{"html", "json", "csv", "text"}, named):
		return named, nil
	case named != "":
		return "", exit{2, fmt.Errorf("format is %q; it can be html, json, csv or text", named)}
	case extension == "json" || extension == "csv":
		return extension, nil
	case extension == "txt":
		return "text", nil
	case file == "" && err == nil && info.Mode()&os.ModeCharDevice != 0:
		return "text", nil
	}
	return "html", nil
}

// writeTable writes rows of CSV in columns, a heading where the section changes.
func writeTable(w io.Writer, in io.Reader) error {
	rows, err := csv.NewReader(in).ReadAll()
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := ""
	for i, row := range rows {
		if len(row) == 0 || i == 0 {
			continue
		}
		if row[0] != section {
			section = row[0]
			fmt.Fprintf(t, "\n%s\n", strings.ToUpper(section))
		}
		fmt.Fprintln(t, "  "+strings.TrimRight(strings.Join(row[1:], "\t"), "\t"))
	}
	return t.Flush()
}

// writeTo writes to a file that a person named, or to stdout.
func (s *shell) writeTo(c *cobra.Command, path string, write func(io.Writer) error) error {
	if path == "" {
		return write(c.OutOrStdout())
	}
	return writeFile(path, write)
}

func (s *shell) export() *cobra.Command {
	var what, out string
	docs := ""
	for _, f := range host.Exports() {
		docs += "\n  " + f.Name + "\t" + f.Doc
	}
	cmd := &cobra.Command{
		Use: "export", Short: "Write cleaned data, a training set or a model to a file", Args: cobra.NoArgs,
		Long:    "Write one of these:" + docs,
		Example: "  bellwether export --what events -o events.parquet\n  bellwether export --what model -o model.safetensors",
		RunE: func(c *cobra.Command, _ []string) error {
			client, err := s.Client(c.Context())
			if err != nil {
				return err
			}
			get := func(what string) func(io.Writer) error {
				return func(w io.Writer) error {
					return client.Do(c.Context(), http.MethodGet, "/v1/export/"+what, nil, w, nil)
				}
			}
			if err := s.writeTo(c, out, get(what)); err != nil || out == "" || what != "model" && what != "model-onnx" {
				return err
			}
			return writeFile(strings.TrimSuffix(out, filepath.Ext(out))+".json", get("model-card"))
		},
	}
	cmd.Flags().StringVar(&what, "what", "events", "one of those above; a model has a card (.json) beside its file")
	cmd.Flags().StringVarP(&out, "output", "o", "", "file; stdout by default")
	return cmd
}

func (s *shell) keys() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "The keys of the project"}
	var label, overlap string
	create := &cobra.Command{
		Use: "create collect|read|write|admin", Short: "Make a key; it is shown this once", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !web.Role(args[0]).Valid() {
				return exit{2, fmt.Errorf("role is %q; it can be collect, read, write or admin", args[0])}
			}
			return s.newKey(c, "/v1/keys", map[string]any{"role": args[0], "label": label})
		},
	}
	create.Flags().StringVar(&label, "label", "", "where it will be used")
	rotate := &cobra.Command{
		Use: "rotate ID", Short: "Make a key in the place of another one, which goes on opening for a while", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.newKey(c, "/v1/keys/"+args[0]+"/rotate", map[string]any{"overlap": overlap})
		},
	}
	rotate.Flags().StringVar(&overlap, "overlap", "24h", "how long the old one goes on")
	list := &cobra.Command{
		Use: "list", Short: "The keys, by id: where they are used and when they were last", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			client, err := s.Client(c.Context())
			if err != nil {
				return err
			}
			var keys []web.Key
			if err := client.Do(c.Context(), http.MethodGet, "/v1/keys", nil, &keys, nil); err != nil {
				return err
			}
			return s.Print(c.OutOrStdout(), keys, func(w io.Writer) error { return writeKeys(w, keys) })
		},
	}
	revoke := &cobra.Command{
		Use: "revoke ID", Short: "Make a key worthless; its id, or the key itself", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := s.Client(c.Context())
			if err != nil {
				return err
			}
			if err := client.Do(c.Context(), http.MethodDelete, "/v1/keys/"+args[0], nil, nil, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), "revoked")
			return err
		},
	}
	cmd.AddCommand(create, list, rotate, revoke)
	return cmd
}

func (s *shell) newKey(c *cobra.Command, path string, body any) error {
	client, err := s.createClient(c.Context())
	if err != nil {
		return err
	}
	var k struct {
		ID  string `json:"id"`
		Key string `json:"key"`
	}
	if err := client.Do(c.Context(), http.MethodPost, path, body, &k, nil); err != nil {
		return err
	}
	return s.Print(c.OutOrStdout(), k, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, k.Key)
		return err
	})
}

func writeKeys(w io.Writer, keys []web.Key) error {
	for _, k := range keys {
		used := "never used"
		if !k.Used.IsZero() {
			used = "last used " + k.Used.Format(time.DateTime)
		}
		if _, err := fmt.Fprintf(w, "%s  %-8s %s  %s\n", k.ID, k.Role, used, k.Label); err != nil {
			return err
		}
	}
	return nil
}
