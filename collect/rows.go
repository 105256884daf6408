package collect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether"
)

// eventFields and itemFields are the names that a mapping may use.
var (
	eventFields = []string{
		"anonymous", "campaign", "channel", "competitor", "consent", "creative", "currency", "decision", "email", "event", "id", "item", "order", "phone",
		"position", "previous", "price", "quantity", "received", "session", "subject", "time", "total", "traits", "user_agent", "value",
	}
	itemFields = []string{
		"brand", "category", "cost", "currency", "from", "id", "image", "price", "stock", "text", "title", "to", "updated",
	}
)

// rowReader turns rows of one table into messages, as a mapping says.
type rowReader struct {
	mapping  *Mapping
	fields   []boundField
	wide     []boundField // name is the channel
	traits   []boundField // name is the column
	columns  int
	consents bool // a column says what people agreed to
	known    bool // a column says when a row was received: an empty consent is then not said
	currency bellwether.Currency
	now      time.Time
	nobody   func(id string) bool // names no person or device
	format   string               // how the rows are read again: formatRow or formatJSONRow
	id       string               // of the mapping, where it is kept
	header   []byte               // the columns, which ids of events are derived from too
}

// Formats of dead letters that are rows.
const (
	formatRow     = "row"      // text with the mapping's delimiter
	formatJSONRow = "row/json" // an object
	formatSQLRow  = "row/sql"  // of a query, as text with commas: its place among the rows says nothing
)

// boundField is a field whose column was found.
type boundField struct {
	name   string
	field  Field
	column int // −1: Field.Value for every row
	time   func(string) (time.Time, error)
	mark   byte // the decimal mark of the column, 0 where it is not known
}

// row is one row of a table.
type row struct {
	line   int64  // in its file, from 1
	raw    []byte // as it came
	values []string
	equal  int64  // of a query: rows before it that are the same
	bad    string // set: it cannot be read, with the reason
}

// bind makes the reader of a table's rows. Its errors are ErrMapping.
func (m *Mapping) bind(columns []string, o *Options, now time.Time) (*rowReader, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	if err := m.fits(columns); err != nil {
		return nil, err
	}
	r := &rowReader{mapping: m, columns: len(columns), currency: o.Currency, nobody: o.nobody, now: now, format: formatRow, header: []byte(strings.Join(columns, "\n"))}
	known := eventFields
	if m.Kind == KindItems {
		known = itemFields
	}
	for _, name := range known { // in one order, whatever the map's
		f, ok := m.Fields[name]
		if !ok {
			continue
		}
		parse, _ := timeParser(f.Format) // checked
		r.known = r.known || name == "received"
		r.consents = r.consents || name == "consent" && f.Column != ""
		r.fields = append(r.fields, boundField{name, f, slices.Index(columns, f.Column), parse, m.mark(f)})
	}
	for i, c := range columns {
		if channel, ok := m.Wide[c]; ok {
			r.wide = append(r.wide, boundField{name: channel, column: i, mark: m.mark(Field{})})
		}
		if slices.Contains(m.Traits, c) && slices.Index(columns, c) == i {
			r.traits = append(r.traits, boundField{name: c, column: i})
		}
	}
	return r, nil
}

// text is the field's value in a row.
func (f *boundField) text(values []string) string {
	if f.column < 0 {
		return f.field.Value
	}
	s := strings.TrimSpace(values[f.column])
	if v, ok := f.field.Values[s]; ok {
		return v
	}
	return s
}

// message reads one row; one that is refused says why.
func (r *rowReader) message(w row) message {
	m := message{raw: w.raw, line: w.line, format: r.format, mapping: r.id, reject: w.bad}
	if m.reject == "" {
		check := checkUTF8
		if r.format == formatJSONRow {
			check = checkText
		}
		if err := check(w.raw); err != nil {
			m.reject = "row " + err.Error()
		}
	}
	if n := len(w.values); m.reject == "" && n > r.columns && strings.TrimSpace(strings.Join(w.values[r.columns:], "")) == "" {
		w.values = w.values[:r.columns] // a delimiter at the end of the line
	}
	if m.reject == "" && len(w.values) != r.columns {
		m.reject = fmt.Sprintf("row has %d fields, not %d", len(w.values), r.columns)
	}
	if m.reject != "" {
		return m
	}
	var err error
	if r.mapping.Kind == KindItems {
		m.item, err = r.item(w.values)
	} else {
		m.events, err = r.events(w)
	}
	if err != nil {
		m.reject = err.Error()
	}
	return m
}

// events returns the event of a row, or one for each channel of a wide row.
func (r *rowReader) events(w row) ([]bellwether.Event, error) {
	e, err := r.event(w.values)
	if err != nil {
		return nil, err
	}
	if e.ID == "" {
		place := w.line
		if r.format == formatSQLRow {
			place = w.equal
		}
		e.ID = contentID(r.header, strconv.AppendInt(nil, place, 10), w.raw)
	}
	if r.wide == nil {
		return []bellwether.Event{e}, nil
	}
	var events []bellwether.Event
	for _, f := range r.wide {
		text := f.text(w.values)
		if text == "" || emptyWords[text] {
			continue
		}
		channel := e
		channel.Channel = bellwether.Channel(f.name)
		if channel.Price, err = r.money(&f, text, w.values); err != nil {
			return nil, fmt.Errorf("spend of %s %w", f.name, err)
		}
		if len(events) > 0 {
			channel.ID += bellwether.EventID("#" + strconv.Itoa(len(events)+1))
		}
		events = append(events, channel)
	}
	if events == nil {
		return nil, fmt.Errorf("row has no spend")
	}
	return events, nil
}

// event reads the fields and traits of a row. History is taken to have been known when it
// happened, unless a column says when it was received.
func (r *rowReader) event(values []string) (bellwether.Event, error) {
	var e bellwether.Event
	var price, total bellwether.Money
	var quantity pieces
	for i := range r.fields {
		f := &r.fields[i]
		text := f.text(values)
		if text == "" || f.column >= 0 && emptyWords[text] && f.field.Format != formatName {
			continue
		}
		var err error
		switch f.name {
		case "subject", "anonymous", "previous":
			if name, device := strings.CutPrefix(text, "~"); device && f.field.Format == formatName {
				setID(&e, "anonymous", name)
			} else if _, said := f.field.Values[text]; said || f.field.Format == formatName || !r.nobody(text) {
				setID(&e, f.name, text)
			}
		case "price":
			price, err = r.money(f, text, values)
		case "total":
			total, err = r.money(f, text, values)
		case "quantity":
			quantity, err = parsePieces(text, f.mark)
		default:
			err = r.set(&e, f, text)
		}
		if err != nil {
			return e, fmt.Errorf("%s %w", f.name, err)
		}
	}
	for i := range r.traits {
		if text := r.traits[i].text(values); text != "" {
			setTrait(&e, r.traits[i].name, traitValue(text))
		}
	}
	if e.Occurred.IsZero() {
		return e, fmt.Errorf("time is missing")
	}
	if e.Type == bellwether.Identify && e.Consent == nil && r.consents && !r.known {
		e.Consent = []bellwether.Purpose{} // who is described and agrees to nothing
	}
	if e.Received.IsZero() {
		e.Received = e.Occurred
	}
	return e, setAmounts(&e, quantity, price, total)
}

// set sets the field f of e.
func (r *rowReader) set(e *bellwether.Event, f *boundField, text string) (err error) {
	switch f.name {
	case "event":
		return setType(e, f, text)
	case "time":
		e.Occurred, err = r.time(f, text)
	case "received":
		e.Received, err = r.time(f, text)
	case "position":
		var n int64
		n, err = parseDecimal(text, 0, f.mark)
		e.Position = int32(max(min(n, 1<<31-1), -1<<31))
	case "value":
		if e.Value, err = strconv.ParseFloat(plainNumber(text, f.mark, 0), 64); err != nil {
			err = fmt.Errorf("%q is not a number that can be read", clip(text))
		}
	case "consent":
		e.Consent, err = parseConsent(text, f.field.Format)
	case "traits":
		err = setTraits(e, text)
	case "competitor", "email", "phone":
		setTrait(e, f.name, text)
	default:
		setID(e, f.name, text)
	}
	return err
}

// formatName is the format of subjects as this program exports them: a device is "~" and its id.
const formatName = "name"

// setTraits sets the traits that a JSON object holds.
func setTraits(e *bellwether.Event, text string) error {
	r := jsonReader{b: []byte(text)}
	err := r.object(func(key []byte) error {
		value, err := r.value()
		if err != nil {
			return err
		}
		switch value[0] {
		case 't', 'f':
			setTrait(e, string(key), value[0] == 't')
		case '"':
			setTrait(e, string(key), string(textBytes(value)))
		case '{', '[', 'n':
		default:
			n, err := numberTrait(string(value))
			if err != nil {
				return err
			}
			setTrait(e, string(key), n)
		}
		return nil
	})
	if err == nil {
		err = r.end()
	}
	if err != nil {
		return fmt.Errorf("%q is no JSON object: %w", clip(text), err)
	}
	return nil
}

// setType sets the type: as the mapping says it, or a name or word as senders write it.
func setType(e *bellwether.Event, f *boundField, text string) error {
	e.Type = canonicalName(text)
	if t, ok := wordNames[string(e.Type)]; ok && f.column >= 0 && len(f.field.Values) == 0 {
		e.Type = t
	}
	switch {
	case e.Type == "":
		return fmt.Errorf("%q has no letter or digit", clip(text))
	case reserved(e.Type):
		return fmt.Errorf("%q is kept for the program's own records", clip(text))
	}
	return nil
}

func setID(e *bellwether.Event, name, text string) {
	switch name {
	case "id":
		e.ID = bellwether.EventID(text)
	case "subject":
		e.Subject = bellwether.Subject(text)
	case "anonymous":
		e.Anonymous = bellwether.AnonymousID(text)
	case "previous":
		e.Previous = text
	case "session":
		e.Session = text
	case "item":
		e.Item = bellwether.ItemID(text)
	case "order":
		e.Order = text
	case "channel":
		e.Channel = bellwether.Channel(text)
	case "campaign":
		e.Campaign = bellwether.CampaignID(text)
	case "creative":
		e.Creative = bellwether.CreativeID(text)
	case "decision":
		e.Decision = bellwether.DecisionID(text)
	case "user_agent":
		e.UserAgent = text
	}
}

// time reads a time; the value "now" for all rows is the time of the import.
func (r *rowReader) time(f *boundField, text string) (time.Time, error) {
	if f.column < 0 && text == "now" {
		return r.now, nil
	}
	return f.time(text)
}

// money reads an amount in major units, or in minor ones where the mapping says so.
func (r *rowReader) money(f *boundField, text string, values []string) (bellwether.Money, error) {
	c, err := r.currencyOf(values)
	if err != nil {
		return bellwether.Money{}, err
	}
	if f.field.Format != formatMinor {
		return parseMoney(text, c, f.mark)
	}
	n, err := parseDecimal(text, 0, f.mark)
	return bellwether.Money{Amount: n, Currency: c}, err
}

func (r *rowReader) currencyOf(values []string) (bellwether.Currency, error) {
	for i := range r.fields {
		if r.fields[i].name == "currency" {
			if text := r.fields[i].text(values); text != "" {
				return currencyNamed(text, r.currency)
			}
		}
	}
	return r.currency, nil
}

// traitValue is a number if text is one as a computer writes it, else text.
func traitValue(text string) any {
	c := text[0]
	if c == '-' || '0' <= c && c <= '9' {
		if v, err := strconv.ParseFloat(text, 64); err == nil && strconv.FormatFloat(v, 'f', -1, 64) == text {
			return v
		}
	}
	return text
}
