package dataset

import (
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bellwether"
	"bellwether/history"
)

func readTable(t *testing.T, text string, o ReadTableOptions) (*bellwether.Table, Report) {
	t.Helper()
	table, report, err := ReadTable(strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return table, report
}

const customersCSV = "\ufeffid,age,city,spend,empty,left\n" +
	"a,30,Köln, ,,Yes\nb,40,,2.5,,No\nc,50,Bonn,4.5,,No\nd,NA,Bonn,3.5,,No\ne,10,x\nf,60,Bonn,1,,\n"

func TestReadTable(t *testing.T) {
	table, report := readTable(t, customersCSV, ReadTableOptions{Target: "left", Subject: "id", Test: -1, Valid: -1})
	if table.Positive != "Yes" || table.Rows() != 4 || table.Target[0] != 1 || table.Target[1] != 0 || table.Subjects[3] != "d" {
		t.Errorf("%+v", table)
	}
	if got := value(t, table, "spend", 0); got != 3.5 {
		t.Errorf("a blank is filled with the median: %v", got)
	}
	if got := value(t, table, "age", 3); got != 40.0 {
		t.Errorf("NA is filled with the median: %v", got)
	}
	if got := value(t, table, "city", 1); got != "" {
		t.Errorf("a blank category is missing: %q", got)
	}
	if len(table.Columns) != 3 {
		t.Errorf("%d columns, want age, city, spend", len(table.Columns))
	}
	for rule, want := range map[string][3]int64{
		"unreadable_row": {1, 0, 1}, "blank_target": {1, 0, 1}, "blank_number: spend": {1, 1, 0}, "blank_number: age": {1, 1, 0},
		"blank_category: city": {1, 0, 0}, "empty_column: empty": {1, 0, 0},
	} {
		if r := report.Rule(rule); [3]int64{r.Seen, r.Changed, r.Dropped} != want || len(r.Examples) != 1 || r.Why == "" {
			t.Errorf("%s: %+v", rule, r)
		}
	}
	if x := report.Rule("blank_number: spend").Examples[0]; x != (history.Example{ID: "line 2", Before: `" "`, After: "3.5"}) {
		t.Errorf("example %+v", x)
	}
}

// TestBlanksAreFilledFromTrainingRows: the test rows' numbers must not reach the filling.
func TestBlanksAreFilledFromTrainingRows(t *testing.T) {
	var text strings.Builder
	text.WriteString("x,y\n")
	target := alternating(100)
	split := SplitRows(target, 0, 0, 0)
	for i, part := range split {
		x := "1000"
		switch {
		case i == slices.Index(split, bellwether.Train):
			x = " "
		case part == bellwether.Train:
			x = "1"
		}
		fmt.Fprintf(&text, "%s,%g\n", x, target[i])
	}
	table, _ := readTable(t, text.String(), ReadTableOptions{Target: "y"})
	if got := table.Columns[0].Numbers[slices.Index(split, bellwether.Train)]; got != 1 {
		t.Errorf("filled with %g, want the training rows' 1", got)
	}
}

func TestReadTableErrors(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
		o                ReadTableOptions
	}{
		{"empty", "", "first line", ReadTableOptions{Target: "y"}},
		{"header alone", "x,y\n", "no row", ReadTableOptions{Target: "y"}},
		{"no such target", "x,y\n1,2\n", "there are x, y", ReadTableOptions{Target: "z"}},
		{"no such column to drop", "x,y\n1,2\n", `"w"`, ReadTableOptions{Target: "y", Drop: []string{"w"}}},
		{"no target", "x,y\n1,2\n", "which column", ReadTableOptions{}},
		{"no such level", "x,y\n1,a\n1,b\n", "a, b", ReadTableOptions{Target: "y", Positive: "c"}},
		{"which level", "x,y\n1,a\n1,b\n", "counts as 1", ReadTableOptions{Target: "y"}},
		{"two columns of one name", "x,x\n1,a\n", `two columns`, ReadTableOptions{Target: "x"}},
		{"blank targets", "x,y\n1,\n", "blank", ReadTableOptions{Target: "y"}},
	} {
		if _, _, err := ReadTable(strings.NewReader(test.text), test.o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// shared opens a file of the shared data, or skips the test, saying so.
func shared(t *testing.T, name string) *os.File {
	t.Helper()
	dir := os.Getenv("BELLWETHER_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "data", name))
	if err != nil {
		t.Skipf("the shared data are absent (set BELLWETHER_SHARED): %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestTelco holds the counts of the Telco churn table: 7,043 rows, 26.5 % churn, 11 blanks in TotalCharges.
func TestTelco(t *testing.T) {
	in, err := gzip.NewReader(shared(t, "tabular/telco-churn.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	table, report, err := ReadTable(in, ReadTableOptions{Target: "Churn", Subject: "customerID"})
	if err != nil {
		t.Fatal(err)
	}
	positives, missing := 0.0, 0
	for _, y := range table.Target {
		positives += y
	}
	for _, c := range table.Columns {
		for _, v := range c.Numbers {
			if math.IsNaN(v) {
				missing++
			}
		}
	}
	if table.Rows() != 7043 || len(table.Columns) != 19 || positives != 1869 || missing != 0 {
		t.Errorf("%d rows, %d columns, %g churned, %d missing", table.Rows(), len(table.Columns), positives, missing)
	}
	if r := report.Rule("blank_number: TotalCharges"); r.Seen != 11 || r.Changed != 11 || r.Dropped != 0 || len(r.Examples) != 5 {
		t.Errorf("%+v", r)
	}
	whole, _, err := ReadTable(strings.NewReader("a,y\n1,0\n"), ReadTableOptions{Target: "y"})
	if err != nil || whole.Positive != "" {
		t.Errorf("a numeric target: %v, %v", whole, err)
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add(customersCSV)
	f.Add("x;y\n\"1;2\n")
	f.Fuzz(func(t *testing.T, text string) {
		header, _, _ := strings.Cut(text, "\n")
		target := strings.TrimSpace(strings.TrimPrefix(header[strings.LastIndex(header, ",")+1:], "\ufeff"))
		table, _, err := ReadTable(strings.NewReader(text), ReadTableOptions{Target: target})
		if err != nil {
			return
		}
		for _, c := range table.Columns {
			if max(len(c.Numbers), len(c.Codes)) != table.Rows() {
				t.Fatalf("column %s has not %d rows", c.Name, table.Rows())
			}
			for _, v := range c.Numbers {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("column %s holds %g", c.Name, v)
				}
			}
		}
	})
}

// TestOddNumbers: one cell that is no number costs itself and not its column, and is reported with its line; where one value in ten or
// more is none, the column is of categories. A table between semicolons is a table.
func TestOddNumbers(t *testing.T) {
	for _, cell := range []string{"inf", "-Infinity", "$12", `"1,5"`, "12%", "1e155", "1e39", "TRUE"} {
		var b strings.Builder
		b.WriteString("id,spend,plan,left\n")
		for i := range 40 {
			spend := fmt.Sprint(i)
			if i == 7 {
				spend = cell
			}
			fmt.Fprintf(&b, "c%d,%s,p%d,%s\n", i, spend, i%3, []string{"Yes", "No"}[i%2])
		}
		table, report := readTable(t, b.String(), ReadTableOptions{Target: "left", Subject: "id", Test: -1, Valid: -1})
		if r := report.Rule("odd_number: spend"); r.Seen != 1 || len(r.Examples) != 1 || r.Examples[0].ID != "line 9" {
			t.Errorf("%s: %+v", cell, r)
		}
		if got := value(t, table, "spend", 7); got != 20.0 { // the median of the others
			t.Errorf("%s is %v", cell, got)
		}
	}
	text := "id;spend;left\n"
	for i := range 20 {
		text += fmt.Sprintf("c%d;%s;%s\n", i, []string{"1,5", "2"}[i%2], []string{"Yes", "No"}[i%2])
	}
	table, report := readTable(t, text, ReadTableOptions{Target: "left", Subject: "id", Test: -1, Valid: -1})
	if len(table.Columns) != 1 || len(table.Columns[0].Levels) != 2 || report.Rule("odd_number: spend").Seen != 0 {
		t.Errorf("%+v %+v", table.Columns, report)
	}
}
