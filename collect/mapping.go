package collect

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// ErrMapping says that a mapping cannot be read or does not fit the table; the text says what to change.
var ErrMapping = errors.New("mapping does not fit")

// maxMapping is how long a mapping file may be, in bytes.
const maxMapping = 64 << 10

// Kinds of rows.
const (
	KindEvents = "events"
	KindItems  = "items"
)

// Mapping says how a row of a table becomes an event or an item. docs/formats/mapping.md
// describes its YAML form.
type Mapping struct {
	Kind      string            `yaml:"kind,omitempty" json:"kind,omitempty"`           // KindEvents (also "") or KindItems
	Delimiter string            `yaml:"delimiter,omitempty" json:"delimiter,omitempty"` // of text: one character, "tab", or "space" for any run of it; "": found out
	Quote     string            `yaml:"quote,omitempty" json:"quote,omitempty"`         // around fields of text, where it is not ": one character
	Columns   []string          `yaml:"columns,omitempty" json:"columns,omitempty"`     // names, where the text has no header
	Fields    map[string]Field  `yaml:"fields" json:"fields"`                           // by the name of the field
	Decimal   string            `yaml:"decimal,omitempty" json:"decimal,omitempty"`     // mark of the numbers: "." or ","; "": found out
	Wide      map[string]string `yaml:"wide,omitempty" json:"wide,omitempty"`           // media spend with a column a channel: column → channel
	Traits    []string          `yaml:"traits,omitempty" json:"traits,omitempty"`       // columns kept as traits of the event or attributes of the item
}

// Field is where one field of an event or item comes from: a column, or one value for all rows.
type Field struct {
	Column  string            `yaml:"column,omitempty" json:"column,omitempty"`
	Value   string            `yaml:"value,omitempty" json:"value,omitempty"`
	Format  string            `yaml:"format,omitempty" json:"format,omitempty"`   // of a time: unix, unix_ms, or a pattern such as "%d/%m/%Y %H:%M"; of an amount: minor; "": found out from each value
	Decimal string            `yaml:"decimal,omitempty" json:"decimal,omitempty"` // mark of a number, where the column's is not the table's
	Values  map[string]string `yaml:"values,omitempty" json:"values,omitempty"`   // what the column's values stand for; one that is not here stands for itself
}

// MarshalYAML writes a field that is a column alone as its name.
func (f Field) MarshalYAML() (any, error) {
	if f.Value == "" && f.Format == "" && f.Decimal == "" && len(f.Values) == 0 {
		return f.Column, nil
	}
	type plain Field
	return plain(f), nil
}

// UnmarshalYAML reads a field: the name of a column, or its parts.
func (f *Field) UnmarshalYAML(unmarshal func(any) error) error {
	if err := unmarshal(&f.Column); err == nil {
		return nil
	}
	type plain Field
	return unmarshal((*plain)(f))
}

// ParseMapping reads a mapping in its YAML form. Its errors are ErrMapping.
func ParseMapping(text []byte) (m *Mapping, err error) {
	if len(text) > maxMapping {
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", ErrMapping, len(text), maxMapping)
	}
	defer func() {
		if p := recover(); p != nil { // the YAML reader is not ours
			m, err = nil, fmt.Errorf("%w: it is no YAML that can be read: %v", ErrMapping, p)
		}
	}()
	m = new(Mapping)
	if err := yaml.UnmarshalWithOptions(text, m, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrMapping, yaml.FormatError(err, false, true))
	}
	return m, m.check()
}

// YAML writes m in the form that ParseMapping reads.
func (m *Mapping) YAML() ([]byte, error) {
	b, err := yaml.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("collect: write a mapping: %w", err)
	}
	return b, nil
}

// check reports what is wrong with m whatever the table.
func (m *Mapping) check() error {
	known := eventFields
	switch m.Kind {
	case "", KindEvents:
	case KindItems:
		known = itemFields
	default:
		return fmt.Errorf("%w: kind %q is neither events nor items", ErrMapping, clip(m.Kind))
	}
	if _, err := m.delimiter(); err != nil {
		return err
	}
	if err := checkMark(m.Decimal); err != nil {
		return fmt.Errorf("%w: %w", ErrMapping, err)
	}
	if len(m.Quote) > 1 {
		return fmt.Errorf("%w: quote %q is not one character", ErrMapping, clip(m.Quote))
	}
	if len(m.Fields) == 0 && len(m.Wide) == 0 {
		return fmt.Errorf("%w: it has no fields; the fields are %s", ErrMapping, strings.Join(known, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Fields)) {
		f := m.Fields[name]
		if !slices.Contains(known, name) {
			return fmt.Errorf("%w: there is no field %q; the fields are %s", ErrMapping, clip(name), strings.Join(known, ", "))
		}
		if (f.Column == "") == (f.Value == "") {
			return fmt.Errorf("%w: field %s needs either a column or a value", ErrMapping, name)
		}
		if err := checkMark(f.Decimal); err != nil {
			return fmt.Errorf("%w: field %s: %w", ErrMapping, name, err)
		}
		if isAmount(name) && f.Format == formatMinor || name == "consent" && strings.HasPrefix(f.Format, formatYesNo) {
			continue
		}
		if _, err := timeParser(f.Format); err != nil {
			return fmt.Errorf("%w: field %s: %w", ErrMapping, name, err)
		}
	}
	return nil
}

// formatMinor is the format of amounts in minor units: cents.
const formatMinor = "minor"

func isAmount(field string) bool { return field == "price" || field == "total" || field == "cost" }

// checkMark reports a decimal mark that is none.
func checkMark(mark string) error {
	if mark != "" && mark != "." && mark != "," {
		return fmt.Errorf("decimal is %q; it can be \".\" or \",\"", clip(mark))
	}
	return nil
}

// mark is the decimal mark of a field's numbers, 0 where it is not known.
func (m *Mapping) mark(f Field) byte {
	for _, mark := range []string{f.Decimal, m.Decimal} {
		if mark != "" {
			return mark[0]
		}
	}
	return 0
}

// delimiter is the byte between fields: 0 if it is to be found out, ' ' for any run of space.
func (m *Mapping) delimiter() (byte, error) {
	switch m.Delimiter {
	case "":
		return 0, nil
	case "tab":
		return '\t', nil
	case "space":
		return ' ', nil
	}
	if len(m.Delimiter) != 1 || strings.ContainsAny(m.Delimiter, "\"\r\n") {
		return 0, fmt.Errorf("%w: delimiter %q is neither one character nor tab nor space", ErrMapping, clip(m.Delimiter))
	}
	return m.Delimiter[0], nil
}

// used returns the columns that m names, by the name of what uses them.
func (m *Mapping) used() map[string]string {
	used := make(map[string]string)
	for _, c := range m.Traits {
		used[c] = "traits"
	}
	for c := range m.Wide {
		used[c] = "wide"
	}
	for name, f := range m.Fields {
		if f.Column != "" {
			used[f.Column] = "field " + name
		}
	}
	return used
}

// fits reports a column of m that the table lacks, and the ones that it has.
func (m *Mapping) fits(columns []string) error {
	used := m.used()
	for _, c := range slices.Sorted(maps.Keys(used)) {
		if !slices.Contains(columns, c) {
			return fmt.Errorf("%w: %s names the column %q, which does not exist; the columns are %s", ErrMapping, used[c], clip(c), list(columns))
		}
	}
	return nil
}

// unused returns the columns that m leaves out.
func (m *Mapping) unused(columns []string) []string {
	used := m.used()
	var out []string
	for _, c := range columns {
		if _, ok := used[c]; !ok {
			out = append(out, c)
		}
	}
	return out
}

// list names columns for a person: at most fifty.
func list(columns []string) string {
	const most = 50
	short := make([]string, 0, most)
	for _, c := range columns[:min(len(columns), most)] {
		short = append(short, clip(c))
	}
	s := strings.Join(short, ", ")
	if len(columns) > most {
		s += fmt.Sprintf(" and %d more", len(columns)-most)
	}
	return s
}
