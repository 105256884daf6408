package decide

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
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

	mu     sync.Mutex
	w      io.Writer
	headed bool
}

// audienceColumns are the columns of a CSV file and the names of a JSON line.
var audienceColumns = []string{"subject", "address", "action", "campaign", "creative", "decision"}

// NewAudience returns an actor that writes lines to w as channel.
func NewAudience(w io.Writer, format Format, channel bellwether.Channel) (*Audience, error) {
	if format != CSV && format != JSONLines {
		return nil, fmt.Errorf("audience format %q; give csv or jsonl", format)
	}
	if channel == "" {
		channel = "audience"
	}
	return &Audience{channel: channel, format: format, w: w}, nil
}

// Channel implements [Actor].
func (a *Audience) Channel() bellwether.Channel { return a.channel }

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
	_ = w.Write(row)
	w.Flush()
	a.headed = true
	return w.Error()
}

func (a *Audience) writeJSON(row []string) error {
	line := make(map[string]string, len(row))
	for i, name := range audienceColumns {
		line[name] = row[i]
	}
	return json.NewEncoder(a.w).Encode(line)
}
