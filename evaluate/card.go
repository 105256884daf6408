package evaluate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"bellwether"
)

// metricOrder is the order of a card's columns; other metrics follow by name.
var metricOrder = []string{
	"hr@10", "ndcg@10", "mrr", "coverage@10",
	"auc", "pr-auc", "logloss", "brier", "ece", "accuracy", "precision", "recall", "f1", "lift@decile",
}

// WriteCard writes c as Markdown in the format of docs/models/README.md: what was chosen and why,
// the models and baselines with their intervals, the data, the settings and the warnings.
func WriteCard(w io.Writer, c bellwether.Card) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n\n", escape(cmp.Or(string(c.Version), c.Application)))
	fmt.Fprintf(&b, "Served: **%s**. %s.\n\n", escape(c.Chosen), escape(c.Reason))
	facts(&b, c)
	table(&b, "Validation: what the choice rests on", c, func(r bellwether.CardRow) map[string]bellwether.Estimate { return r.Validation })
	table(&b, "Test: seen once, after the choice", c, func(r bellwether.CardRow) map[string]bellwether.Estimate { return under(r.Test, "") })
	for _, p := range shown {
		table(&b, "Test, "+p, c, func(r bellwether.CardRow) map[string]bellwether.Estimate { return under(r.Test, p) })
	}
	settings(&b, c.Settings)
	warnings(&b, c)
	_, err := w.Write(b.Bytes())
	if err != nil {
		return fmt.Errorf("write the card of %s: %w", c.Version, err)
	}
	return nil
}

func facts(b *bytes.Buffer, c bellwether.Card) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "- %s: %s\n", name, value)
		}
	}
	line("Application", escape(c.Application))
	line("Family", escape(c.Family))
	if !c.Trained.IsZero() {
		line("Trained", c.Trained.UTC().Format(time.RFC3339))
	}
	line("Parameters", thousands(c.Parameters))
	data := fmt.Sprintf("%s events of %s people", thousands(c.Data.Events), thousands(c.Data.People))
	if c.Data.Items > 0 {
		data += fmt.Sprintf(" over %s items", thousands(c.Data.Items))
	}
	if !c.Data.From.IsZero() {
		data += fmt.Sprintf(", %s to %s", c.Data.From.UTC().Format(time.DateOnly), c.Data.To.UTC().Format(time.DateOnly))
	}
	line("Data", data)
	if c.Data.Digest != "" {
		line("Digest of the data", "`"+escape(c.Data.Digest)+"`")
	}
	b.WriteByte('\n')
}

// table writes one row a model; a column exists if any row has its metric.
func table(b *bytes.Buffer, title string, c bellwether.Card, of func(bellwether.CardRow) map[string]bellwether.Estimate) {
	present := map[string]bool{}
	for _, r := range c.Rows {
		for name := range of(r) {
			present[name] = true
		}
	}
	if len(present) == 0 {
		return
	}
	names := slices.SortedFunc(maps.Keys(present), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
	fmt.Fprintf(b, "## %s\n\n| model | %s | fit |\n|---|%s---:|\n", title, strings.Join(names, " | "), strings.Repeat("---:|", len(names)))
	for _, r := range c.Rows {
		fmt.Fprintf(b, "| %s |", rowName(r, c.Chosen))
		for _, name := range names {
			if e, ok := of(r)[name]; ok {
				fmt.Fprintf(b, " %s |", describe(e))
			} else {
				b.WriteString(" – |")
			}
		}
		fmt.Fprintf(b, " %.1f s |\n", r.FitSeconds)
	}
	b.WriteByte('\n')
	footnote(b, c, of)
}

func place(metric string) int {
	if at := slices.Index(metricOrder, metric); at >= 0 {
		return at
	}
	return len(metricOrder)
}

func rowName(r bellwether.CardRow, chosen string) string {
	name := escape(r.Name)
	if r.Name == chosen {
		name = "**" + name + "**"
	}
	if r.Baseline {
		name += " (baseline)"
	}
	return name
}

// footnote says how the intervals were made and on how many cases.
func footnote(b *bytes.Buffer, c bellwether.Card, of func(bellwether.CardRow) map[string]bellwether.Estimate) {
	for _, r := range c.Rows {
		for _, name := range slices.Sorted(maps.Keys(of(r))) {
			if e := of(r)[name]; len(e.Interval) == 2 {
				fmt.Fprintf(b, "In brackets: %.0f %% intervals, n = %s; %s.\n\n", 100*e.Level, thousands(e.N), escape(e.Method))
				return
			}
		}
	}
}

func settings(b *bytes.Buffer, s map[string]any) {
	if len(s) == 0 {
		return
	}
	b.WriteString("## Settings\n\n| setting | value |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(s)) {
		value, err := json.Marshal(s[name])
		if err != nil {
			value = fmt.Append(nil, s[name])
		}
		fmt.Fprintf(b, "| %s | %s |\n", escape(name), escape(string(value)))
	}
	b.WriteByte('\n')
}

// warnings writes those of the card and those of its figures, each once.
func warnings(b *bytes.Buffer, c bellwether.Card) {
	lines := slices.Clone(c.Warnings)
	for _, r := range c.Rows {
		for _, line := range append(figureWarnings(r.Name+", validation", r.Validation), figureWarnings(r.Name+", test", r.Test)...) {
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) == 0 {
		return
	}
	b.WriteString("## Warnings\n\n")
	for _, line := range lines {
		fmt.Fprintf(b, "- %s\n", escape(line))
	}
	b.WriteByte('\n')
}

func figureWarnings(of string, figures map[string]bellwether.Estimate) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		for _, w := range figures[name].Warnings {
			lines = append(lines, of+": "+w)
		}
		if w := figures[name].Withheld; w != "" {
			lines = append(lines, of+": verdict withheld: "+w)
		}
	}
	return lines
}

// escape keeps text from ending a cell or a line, or from being read as markup.
func escape(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;", "*", `\*`, "`", "'").Replace(s)
}

// thousands writes 198502 as 198,502.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for at := len(s) - 3; at > 0 && s[at-1] != '-'; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
