package decide

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"bellwether"
)

// Format is how an audience file is written.
type Format string

// The formats.
const (
	CSV       Format = "csv"
	JSONLines Format = "jsonl"
)

// Audience writes each person as a line of a file, for tools that take lists.
type Audience struct {
	channel bellwether.Channel
	format  Format
	deliver func() error

	mu     sync.Mutex
	w      io.Writer
	headed bool
}

// audienceColumns are the columns of a CSV file and the names of a JSON line.
var audienceColumns = []string{"subject", "address", "action", "campaign", "creative", "decision"}

// NewAudience returns an actor that writes lines to w as channel; deliver puts what was written in its place, on disk and
// all at once. nil: nothing is to be done.
func NewAudience(w io.Writer, deliver func() error, format Format, channel bellwether.Channel) (*Audience, error) {
	if format != CSV && format != JSONLines {
		return nil, fmt.Errorf("audience format %q; give csv or jsonl", format)
	}
	if channel == "" {
		channel = "audience"
	}
	return &Audience{channel: channel, format: format, deliver: deliver, w: w}, nil
}

// Channel implements [Actor].
func (a *Audience) Channel() bellwether.Channel { return a.channel }

// Deliver implements [Lister].
func (a *Audience) Deliver() error {
	if a.deliver == nil {
		return nil
	}
	return a.deliver()
}

// Act writes one line.
func (a *Audience) Act(_ context.Context, m Message) error {
	row := []string{string(m.Decision.Subject), m.Address, m.Decision.Chosen()[0], string(m.Campaign), string(m.Creative), string(m.Decision.ID)}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.format == JSONLines {
		return a.writeJSON(row)
	}
	w := csv.NewWriter(a.w)
	if !a.headed {
		_ = w.Write(audienceColumns) // Flush reports its error
	}
	for i := range row {
		row[i] = asText(row[i])
	}
	_ = w.Write(row)
	w.Flush()
	a.headed = true
	return w.Error()
}

// asText makes a field that a spreadsheet would read as a formula one that it shows: with an apostrophe before it. A
// telephone number, +49 30 123, computes nothing and stays as it is.
func asText(field string) string {
	if field == "" || !strings.ContainsRune("=+-@\t\r\n|%", rune(field[0])) {
		return field
	}
	if number := strings.Trim(field[1:], "0123456789 .()-"); (field[0] == '+' || field[0] == '-') && number == "" {
		return field
	}
	return "'" + field
}

func (a *Audience) writeJSON(row []string) error {
	line := make(map[string]string, len(row))
	for i, name := range audienceColumns {
		line[name] = row[i]
	}
	return json.NewEncoder(a.w).Encode(line)
}
