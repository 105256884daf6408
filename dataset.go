package bellwether

import "time"

// Dataset is what prepare hands to train: sequences, a table, or both, cut so that
// no row sees its own future.
type Dataset struct {
	Project   ProjectID  `json:"project"`
	Name      string     `json:"name"`            // application: "recommend", "behaviour", …
	AsOf      time.Time  `json:"as_of"`           // nothing received after this moment is in it
	Digest    string     `json:"digest"`          // SHA-256 over its contents, hex
	Newest    time.Time  `json:"newest,omitzero"` // event that people brought, of whatever kind; zero: not known
	Sequences *Sequences `json:"-"`
	Table     *Table     `json:"-"`
}

// Sequences are people's item events in the order of time (ties keep the log's order).
//
// Steps[p][:TrainEnd[p]] may be fitted. A Target (p, at) asks for Steps[p][at].Item given
// Steps[p][:at]: Validation targets choose between models, Test targets are reported.
type Sequences struct {
	Items      []ItemID     // vocabulary: Step.Item indexes it
	Types      []EventType  // vocabulary: Step.Type indexes it
	Channels   []Channel    // vocabulary: Step.Channel − 1 indexes it
	Campaigns  []CampaignID // vocabulary: Step.Campaign − 1 indexes it
	Categories []string     // of each item, "" where unknown; nil: of none
	Content    []float32    // [items, width], what each item is like; nil: nobody knows
	People     []Subject
	Steps      [][]Step // by person
	TrainEnd   []int    // by person
	Validation []Target
	Test       []Target
	Served     Offer // what the surface offers: epochs, weights and models are chosen among its candidates
}

// Step is one event of a sequence.
type Step struct {
	Item     int32  // index in Sequences.Items; −1: no item or an unknown one
	Type     uint8  // index in Sequences.Types
	Channel  uint8  // 1 + index in Sequences.Channels, 0: not known
	Bought   bool   // the item was bought in it
	Campaign uint16 // 1 + index in Sequences.Campaigns, 0: none, or a rare one
	Quantity int32
	Price    int64 // minor units of the project's currency, 0: not known
	Time     int64 // Unix seconds
}

// Target is one question of an evaluation: which item is Steps[Person][At]?
type Target struct {
	Person int32
	At     int32
}

// Spread returns at most so many of targets, and on average no more than one a person, evenly spread in their order: a person's
// targets are like each other, so that more of them cost time and tell little.
func (s *Sequences) Spread(targets []Target, most int) []Target {
	people, last := 0, int32(-1)
	for _, t := range targets {
		if t.Person != last {
			people, last = people+1, t.Person
		}
	}
	n, total := min(most, people), len(targets)
	if n >= total {
		return targets
	}
	out := make([]Target, n)
	for i := range out {
		out[i] = targets[i*total/n]
	}
	return out
}

// Count returns the number of steps.
func (s *Sequences) Count() int {
	n := 0
	for _, p := range s.Steps {
		n += len(p)
	}
	return n
}

// Split says what a row of a table is for.
type Split uint8

// The parts of a split.
const (
	Train Split = iota
	Validation
	Test
)

// Table is a typed feature table with a binary or numeric target.
type Table struct {
	Subjects []Subject // by row
	Columns  []Column
	Target   []float64 // by row; for a class: 0 or 1
	Split    []Split   // by row
	Positive string    // the level of the target that counts as 1, "" for a number
	Allowed  []string  // columns that may tell the classes apart alone, as somebody said
}

// Column is one feature: numbers, or category codes.
type Column struct {
	Name    string
	Numbers []float64 // by row, NaN where missing; nil for a category
	Codes   []int32   // by row, index in Levels, −1 where missing; nil for numbers
	Levels  []string
}

// Categorical reports whether c holds category codes.
func (c *Column) Categorical() bool { return c.Codes != nil }

// Rows returns the number of rows.
func (t *Table) Rows() int { return len(t.Target) }
