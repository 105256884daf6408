package shop

import (
	"slices"
	"time"

	"bellwether"
)

// past is one item event of a customer as a request for a preview tells it.
type past struct {
	Item     string               `json:"item"`
	Type     bellwether.EventType `json:"type"`
	Time     time.Time            `json:"time"`
	Quantity int64                `json:"quantity"`
	Price    int64                `json:"price"`              // minor units
	Decision string               `json:"decision,omitempty"` // that it answers

	due int // day on which it was sent
}

// newest is how many item events a request knows of a person.
const newest = 200

// remember appends to a history what the server will know from a parcel.
func remember(history []past, p *parcel) []past {
	for k := range p.messages {
		m := &p.messages[k]
		if m.canonical == "" || m.Properties == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339, m.Timestamp)
		if err != nil {
			continue // not reached: stamp wrote it
		}
		entry := past{Type: m.canonical, Time: at.Add(-m.ahead), due: p.due}
		entry.Decision = m.Properties.Decision
		if x := m.Properties; x.Item != "" {
			entry.Item, entry.Quantity, entry.Price = x.Item, minor(x.Quantity), minor(x.Price)
			history = append(history, entry)
		}
		for _, x := range m.Properties.Products {
			entry.Item, entry.Quantity, entry.Price = x.Item, minor(x.Quantity), minor(x.Price)
			history = append(history, entry)
		}
	}
	return history
}

// known are the newest entries that the server has on the morning of day, oldest first; never nil.
func known(history []past, day int) []past {
	out := make([]past, 0, len(history))
	for _, e := range history {
		if e.due < day {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b past) int { return a.Time.Compare(b.Time) })
	return out[max(0, len(out)-newest):]
}
