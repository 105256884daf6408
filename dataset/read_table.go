package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"bellwether"
	"bellwether/history"
)

// ReadTableOptions are the settings of ReadTable.
type ReadTableOptions struct {
	Target   string   // the column to predict; required
	Positive string   // its value that counts as 1; "": the one of two that says yes (or true, 1), or a numeric target
	Subject  string   // the column that names the row; "": the rows are numbered
	Drop     []string // columns to leave out
	Comma    rune     // zero: the one of , ; tab and | that parts the header into the most columns
	Test     float64  // as in TableOptions
	Valid    float64
	Seed     uint64
}

// ReadTable reads a CSV file with a header. A column is numeric when at least nine in ten of its values that are not blank
// are numbers, else it is of categories. The few others of a numeric column (inf, $12, 1,5, what a float32 can't hold) are set aside as blanks
// are, and reported. Blanks (empty, white space, NA, N/A, NaN, null) of a
// numeric column become the median of its training rows and are reported; those of a category are
// missing. A column without any value, or a category that names almost every row, is left out and reported,
// and so are rows that cannot be read or whose target is blank.
func ReadTable(r io.Reader, o ReadTableOptions) (*bellwether.Table, Report, error) {
	raw, err := readCSV(r, o.Comma)
	if err != nil {
		return nil, Report{}, fmt.Errorf("dataset: reading the table: %w", err)
	}
	for _, name := range append([]string{o.Target, o.Subject}, o.Drop...) {
		if name != "" && !slices.Contains(raw.header, name) {
			return nil, Report{}, fmt.Errorf("dataset: no column is called %q; there are %s", name, strings.Join(raw.header, ", "))
		}
	}
	if o.Target == "" {
		return nil, Report{}, fmt.Errorf("dataset: say which column is the target; there are %s", strings.Join(raw.header, ", "))
	}
	t := &bellwether.Table{}
	if err := raw.readTarget(t, o); err != nil {
		return nil, Report{}, err
	}
	t.Split = SplitRows(t.Target, o.Test, o.Valid, o.Seed)
	for i := range raw.rows {
		t.Subjects = append(t.Subjects, bellwether.Subject(raw.subject(i, o.Subject)))
	}
	for place, name := range raw.header {
		if name == o.Target || name == o.Subject || slices.Contains(o.Drop, name) {
			continue
		}
		if column, ok := raw.column(place, t.Split); ok {
			t.Columns = append(t.Columns, column)
		}
	}
	return t, raw.report.finish(), nil
}

// rawTable is a CSV file's text.
type rawTable struct {
	header []string
	rows   [][]string
	lines  []int // by row
	report recorder
}

// readCSV reads what can be read; a row that is broken or of another length is reported and left out.
func readCSV(r io.Reader, comma rune) (*rawTable, error) {
	text := bufio.NewReaderSize(r, 64<<10)
	if comma == 0 {
		head, _ := text.Peek(64 << 10) // an error comes again when it is read
		comma = delimiter(head)
	}
	in := csv.NewReader(text)
	in.Comma, in.FieldsPerRecord = comma, -1
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: its first line must name the columns")
	}
	if err != nil {
		return nil, err
	}
	raw := &rawTable{header: make([]string, len(header))}
	for i, name := range header {
		raw.header[i] = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		if slices.Contains(raw.header[:i], raw.header[i]) {
			return nil, fmt.Errorf("two columns are called %q: rename one", raw.header[i])
		}
	}
	broken := raw.rule("unreadable_row", "the line is not CSV or has another number of fields than the header")
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var syntax *csv.ParseError
		if err != nil && !errors.As(err, &syntax) {
			return nil, err
		}
		if err == nil && len(row) != len(header) {
			line, _ := in.FieldPos(0)
			err = fmt.Errorf("line %d has %d fields, not %d", line, len(row), len(header))
		}
		if err != nil {
			broken.drop("", err.Error)
			continue
		}
		line, _ := in.FieldPos(0)
		raw.rows, raw.lines = append(raw.rows, row), append(raw.lines, line)
	}
	if len(raw.rows) == 0 {
		return nil, errors.New("the file has no row below its header")
	}
	return raw, nil
}

// delimiter is what parts the first line into the most columns.
func delimiter(head []byte) rune {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	best, most := ',', 0
	for _, d := range []rune{',', ';', '\t', '|'} {
		if n := bytes.Count(line, []byte(string(d))); n > most {
			best, most = d, n
		}
	}
	return best
}

func (t *rawTable) rule(name, why string) *tally {
	row := &tally{history.RuleReport{Rule: name, Why: why}}
	t.report.rows = append(t.report.rows, row)
	return row
}

func (t *rawTable) subject(row int, column string) string {
	if place := slices.Index(t.header, column); column != "" && place >= 0 {
		return strings.TrimSpace(t.rows[row][place])
	}
	return strconv.Itoa(row + 1)
}

// blank reports whether a cell says nothing.
func blank(cell string) bool {
	switch strings.ToLower(strings.TrimSpace(cell)) {
	case "", "na", "n/a", "nan", "null":
		return true
	}
	return false
}

// number reads a number that a model can hold: a finite one of a float32.
func number(cell string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
	return v, err == nil && math.Abs(v) <= math.MaxFloat32
}

// readTarget drops rows without a target and reads the others' into t.
func (t *rawTable) readTarget(out *bellwether.Table, o ReadTableOptions) error {
	place := slices.Index(t.header, o.Target)
	missing := t.rule("blank_target", "a row without the value to predict teaches nothing")
	kept, levels, numeric := 0, map[string]bool{}, true
	for i, row := range t.rows {
		if blank(row[place]) {
			missing.drop("", func() string { return fmt.Sprintf("line %d", t.lines[i]) })
			continue
		}
		level := strings.TrimSpace(row[place])
		levels[level] = true
		_, ok := number(level)
		numeric = numeric && ok
		t.rows[kept], t.lines[kept] = row, t.lines[i]
		kept++
	}
	t.rows, t.lines = t.rows[:kept], t.lines[:kept]
	if kept == 0 {
		return fmt.Errorf("dataset: every row's %s is blank", o.Target)
	}
	positive, err := positiveLevel(o, levels, numeric)
	if err != nil {
		return err
	}
	out.Positive = positive
	for _, row := range t.rows {
		v, _ := number(row[place])
		if positive != "" {
			v = 0
			if strings.TrimSpace(row[place]) == positive {
				v = 1
			}
		}
		out.Target = append(out.Target, v)
	}
	return nil
}

// positiveLevel returns the level that counts as 1, "" for a numeric target.
func positiveLevel(o ReadTableOptions, levels map[string]bool, numeric bool) (string, error) {
	names := make([]string, 0, len(levels))
	for level := range levels {
		names = append(names, level)
	}
	slices.Sort(names)
	if shown := 20; len(names) > shown {
		names = append(names[:shown], "…")
	}
	if o.Positive != "" {
		if !levels[o.Positive] {
			return "", fmt.Errorf("dataset: %s is never %q; it is %s", o.Target, o.Positive, strings.Join(names, ", "))
		}
		return o.Positive, nil
	}
	if len(names) == 2 {
		for _, name := range names {
			switch strings.ToLower(name) {
			case "yes", "true", "1", "y", "t":
				return name, nil
			}
		}
	}
	if !numeric {
		return "", fmt.Errorf("dataset: say which value of %s counts as 1; it is %s", o.Target, strings.Join(names, ", "))
	}
	return "", nil
}

// mostly is how many values of a numeric column stand beside one that is no number at least, that one included.
const mostly = 10

// setAside reports the values of a numeric column that are no numbers; they are filled as blanks are.
func (t *rawTable) setAside(place int, odd []int) {
	if len(odd) == 0 {
		return
	}
	row := t.rule("odd_number: "+t.header[place], "what is no number in a column of numbers was set aside; write it as a plain number to have it read")
	for _, i := range odd {
		row.see(bellwether.EventID(fmt.Sprintf("line %d", t.lines[i])), func() string { return strconv.Quote(t.rows[i][place]) })
	}
}

// manyLevels is from how many levels on a category that names almost every row is left out.
const manyLevels = 50

// column reads a feature; false when it is left out.
func (t *rawTable) column(place int, split []bellwether.Split) (bellwether.Column, bool) {
	name, numbers := t.header[place], make([]float64, len(t.rows))
	var odd []int // rows whose value is no number
	blanks := 0
	for i, row := range t.rows {
		v, ok := number(row[place])
		switch {
		case blank(row[place]):
			v = math.NaN()
			blanks++
		case !ok:
			v = math.NaN()
			odd = append(odd, i)
		}
		numbers[i] = v
	}
	numeric := mostly*len(odd) <= len(t.rows)-blanks
	switch {
	case blanks == len(t.rows):
		t.rule("empty_column: "+name, "a column without any value was left out").see("", func() string { return name })
		return bellwether.Column{}, false
	case numeric:
		t.setAside(place, odd)
		t.fillBlanks(place, numbers, split, blanks+len(odd))
		return bellwether.Column{Name: name, Numbers: numbers}, true
	}
	column := categoryColumn(name, len(t.rows), func(i int) string {
		if blank(t.rows[i][place]) {
			return ""
		}
		return strings.TrimSpace(t.rows[i][place])
	})
	if n := len(column.Levels); n > manyLevels && 2*n > len(t.rows) {
		t.rule("identifier_column: "+name, "a category that names almost every row was left out").see("", func() string { return fmt.Sprintf("%d values in %d rows", n, len(t.rows)) })
		return bellwether.Column{}, false
	}
	if blanks > 0 {
		row := t.rule("blank_category: "+name, "blanks of a category count as missing")
		for i, code := range column.Codes {
			if code < 0 {
				row.see("", func() string { return fmt.Sprintf("line %d: %q", t.lines[i], t.rows[i][place]) })
			}
		}
	}
	return column, true
}

// fillBlanks puts the median of the training rows (of all, when those are blank) where a number is missing.
func (t *rawTable) fillBlanks(place int, numbers []float64, split []bellwether.Split, blanks int) {
	if blanks == 0 {
		return
	}
	var train, any []float64
	for i, v := range numbers {
		if math.IsNaN(v) {
			continue
		}
		any = append(any, v)
		if split[i] == bellwether.Train {
			train = append(train, v)
		}
	}
	if len(train) == 0 {
		train = any
	}
	median := lowerMedian(train)
	row := t.rule("blank_number: "+t.header[place], "blanks of a numeric column were filled with the median of its training rows")
	for i, v := range numbers {
		if math.IsNaN(v) {
			row.change(bellwether.EventID(fmt.Sprintf("line %d", t.lines[i])), strconv.Quote(t.rows[i][place]), median)
			numbers[i] = median
		}
	}
}

// lowerMedian returns the lower of the two middle values of v, which it sorts and which is not empty.
func lowerMedian(v []float64) float64 {
	slices.Sort(v)
	return v[(len(v)-1)/2]
}
