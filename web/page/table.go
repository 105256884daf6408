package page

import (
	"encoding/csv"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Table is rows of values. Readers sort it by any column, turn its pages and download it, without JavaScript too.
type Table struct {
	ID      string // unique on the page; of letters, digits and "-"
	Caption Text   // what the table is, shown above it
	Columns []Column
	Rows    []Row
	Empty   Text   // shown instead of a table without rows; zero: "no data"
	Sort    string // id of the column that it comes sorted by, "-id" downwards; "": as the rows are
	Size    int    // rows a page; 0: all
	Narrow  bool   // it has room on a phone: rows stay rows
	Fixed   bool   // it is not sorted, paged or downloaded: a few lines that belong together
}

// Column is one column of a table.
type Column struct {
	ID      string // for addresses and the file's header
	Title   Text
	Explain string // a word of the glossary explained beside the title
	Left    bool   // numbers stay at the left, such as ids
	Minor   bool   // left out on a phone
}

// Row is one row: a value for each column, as [View.Show] takes them.
type Row struct {
	Cells []any
	Mark  bool // the row that matters, such as the model that serves
}

// table is what the template reads.
type table struct {
	Table
	Heads   []head
	Lines   []line
	Stacked bool // on a phone each row is a card
	Pages   Pagination
	CSV     string
}

type head struct {
	Column
	Right  bool
	Href   string
	Sorted string // "ascending", "descending", ""
}

type line struct {
	Row
	Cells []cell
}

type cell struct {
	Value any
	Right bool
	Minor bool
	Name  string
}

// Table shows a table.
func (v *View) Table(t Table) (template.HTML, error) {
	if v.csv != nil {
		if v.csv.id == t.ID && !t.Fixed {
			v.csv.table = &t
		}
		return "", nil
	}
	in := table{Table: t, Stacked: len(t.Columns) > 2 && !t.Narrow}
	by, down := v.sorted(t)
	rows := slices.Clone(t.Rows)
	if by >= 0 {
		slices.SortStableFunc(rows, func(a, b Row) int { return v.compare(at(a, by), at(b, by), down) })
	}
	if t.Size > 0 && !t.Fixed {
		rows, in.Pages = v.pageOf(t, rows)
	}
	right := rightColumns(t)
	for i, c := range t.Columns {
		h := head{Column: c, Right: right[i]}
		if !t.Fixed {
			h.Href, h.Sorted = v.sortLink(t, i, by, down)
		}
		in.Heads = append(in.Heads, h)
	}
	for _, r := range rows {
		l := line{Row: r}
		for i := range t.Columns {
			l.Cells = append(l.Cells, cell{at(r, i), right[i], t.Columns[i].Minor, v.Say(t.Columns[i].Title)})
		}
		in.Lines = append(in.Lines, l)
	}
	if !t.Fixed {
		in.CSV = v.Query("csv", t.ID)
	}
	return v.component("table", in)
}

// at is a row's value of a column, nil where it has none.
func at(r Row, column int) any {
	if column < len(r.Cells) {
		return r.Cells[column]
	}
	return nil
}

// rightColumns tells the columns of numbers.
func rightColumns(t Table) []bool {
	right := make([]bool, len(t.Columns))
	for i, c := range t.Columns {
		n, other := 0, 0
		for _, r := range t.Rows {
			switch x := at(r, i); {
			case x == nil:
			case numeric(x):
				n++
			default:
				other++
			}
		}
		right[i] = n > 0 && other == 0 && !c.Left
	}
	return right
}

// sorted returns the column that a table is sorted by, −1 for none: what the address asks for, else the table's own.
func (v *View) sorted(t Table) (column int, down bool) {
	want := t.Sort
	if id, by, ok := strings.Cut(v.Request.URL.Query().Get("sort"), ":"); ok && id == t.ID && !t.Fixed {
		want = by
	}
	by, down := strings.CutPrefix(want, "-")
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.ID != "" && c.ID == by }), down
}

// sortLink is the address that sorts by a column: numbers first downwards, then the other way.
func (v *View) sortLink(t Table, column, by int, down bool) (href, sorted string) {
	c := t.Columns[column]
	if c.ID == "" || len(t.Rows) < 2 {
		return "", ""
	}
	first := slices.ContainsFunc(t.Rows, func(r Row) bool { return numeric(at(r, column)) })
	next := first
	if column == by {
		sorted = map[bool]string{true: "descending", false: "ascending"}[down]
		next = !down
	}
	return v.Query("sort", t.ID+":"+map[bool]string{true: "-"}[next]+c.ID) + "#" + t.ID, sorted
}

// pageOf cuts the page that the address asks for.
func (v *View) pageOf(t Table, rows []Row) ([]Row, Pagination) {
	p := Pagination{Name: "page", Prefix: t.ID + ":", Anchor: t.ID, Pages: (len(rows) + t.Size - 1) / t.Size, Page: 1}
	if id, n, ok := strings.Cut(v.Request.URL.Query().Get("page"), ":"); ok && id == t.ID {
		if asked, err := strconv.Atoi(n); err == nil {
			p.Page = min(max(asked, 1), max(p.Pages, 1))
		}
	}
	from := (p.Page - 1) * t.Size
	return rows[from:min(from+t.Size, len(rows))], p
}

// writeCSV writes a table as a file: a header of the columns' ids, numbers in full. An estimate is three columns.
func (v *View) writeCSV(w io.Writer, t *Table) error {
	out := csv.NewWriter(w)
	wide := make([]bool, len(t.Columns))
	var header []string
	for i, c := range t.Columns {
		wide[i] = slices.ContainsFunc(t.Rows, func(r Row) bool { _, ok := at(r, i).(Measured); return ok })
		name := c.ID
		if name == "" {
			name = v.Say(c.Title)
		}
		header = append(header, name)
		if wide[i] {
			header = append(header, name+"_low", name+"_high")
		}
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for _, r := range t.Rows {
		var cells []string
		for i := range t.Columns {
			for _, text := range v.cells(at(r, i), wide[i]) {
				cells = append(cells, harmless(at(r, i), text))
			}
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// harmless puts an apostrophe before text that a spreadsheet would run as a formula.
func harmless(x any, text string) string {
	if _, number := float(x); !number && text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
