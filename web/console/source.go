package console

import (
	"context"
	"time"

	"bellwether"
	"bellwether/web/page"
)

// Source is what the pages show.
type Source interface {
	Today(ctx context.Context) (Today, error)
	Report(ctx context.Context) (Report, error)
	Models(ctx context.Context) (Models, error)
	Decisions(ctx context.Context, q Query) (Decisions, error)
	// Decision returns one decision; a [page.NotFound] where there is none.
	Decision(ctx context.Context, id bellwether.DecisionID) (Decision, error)
	Data(ctx context.Context) (Data, error)
	// Replay reads kept-aside messages again: those of a source, or all where it is "". A dry one only says what would happen.
	Replay(ctx context.Context, source string, dry bool) (Replayed, error)
	// UndoImport takes an import back.
	UndoImport(ctx context.Context, id string) (Import, error)
}

// Earned is what the product earned against its own holdout.
type Earned struct {
	Currency  bellwether.Currency
	Metric    string // "margin" or "revenue"
	From      time.Time
	AsOf      time.Time
	Treated   int64
	Holdout   int64
	Crossover int64               // people who were decided about in both groups; they count in their first
	Total     bellwether.Estimate // over all the treated
	Person    bellwether.Estimate // a treated person
	Relative  bellwether.Estimate // of what the holdout brought
	Anytime   bellwether.Estimate // a person; valid however often it is read
	Truth     *float64            // what a simulator knows it to be in all, in a demo
}

// Today is the first page.
type Today struct {
	Earned    Earned
	Attention []Attention
	Serving   []Serving
	Decisions []Decision // the freshest, newest first
	Events    int64      // clean ones, as the last pass counted them
	Waiting   bool       // events came in and nobody was read yet
	Decided   int64      // decisions in the log
	LastEvent time.Time
}

// Attention is something that somebody should look at.
type Attention struct {
	Level string // "info", "warning", "error"
	What  string // an English sentence
	Do    string // what to do about it
	Href  string // where
}

// Serving is what answers for a task just now.
type Serving struct {
	Task    string
	Version bellwether.ModelVersion // "": the fallback answers
	Family  string
	Since   time.Time
}

// Models is what the turns learned.
type Models struct {
	Tasks []Task
}

// Task is one thing that is learned.
type Task struct {
	Name    string // "recommend"
	Metric  string // that chooses: "ndcg@10", "auc"
	Lower   bool   // smaller is better
	Serving Serving
	Turns   []Turn // oldest first
}

// Turn is what one turn learned of a task.
type Turn struct {
	Number    int
	AsOf      time.Time
	Events    int64
	Decisions int64
	Took      time.Duration
	Version   bellwether.ModelVersion
	Chosen    string // of Rows
	Promoted  bool
	Reason    string // an English sentence
	Rows      []bellwether.CardRow
}

// Query is which decisions are asked for.
type Query struct {
	Text    string // a person, an item or its title, an id
	Surface bellwether.Surface
	Page    int // from 1
}

// Decisions are decisions, newest first.
type Decisions struct {
	Rows     []Decision
	Pages    int // in all; 0: unknown or one
	Surfaces []bellwether.Surface
	Command  string // of the shell that asks for a decision, shown while there is none
}

// Decision is a decision with what people call its actions, and what followed.
type Decision struct {
	bellwether.Decision
	Titles  map[string]string // by action; one that is missing is called by its id
	Outcome *bellwether.Outcome
	Value   bellwether.Currency // of money among the outcome's rewards
}

// Report is the whole report of what the decisions were worth.
type Report struct {
	Earned    Earned
	Rule      string
	Decisions int64
	Credited  int64
	Organic   int64
	Hidden    string // why no effect is shown
	Effects   []Effect
	Surfaces  []SurfaceEffects
	Survey    Survey
	Cost      Cost
	Policies  []PolicyValue
	Plan      *Plan
	Checks    []Check
}

// Effect is one figure of the treated against the holdout.
type Effect struct {
	Metric   string // as the catalogue names it: "revenue", "click-through rate"
	Unit     page.Unit
	Treated  bellwether.Estimate
	Holdout  bellwether.Estimate
	Absolute bellwether.Estimate
	Relative bellwether.Estimate
	Adjusted *bellwether.Estimate // absolute, with what was known before the start
}

// SurfaceEffects is what the decisions of one surface brought.
type SurfaceEffects struct {
	Surface   bellwether.Surface
	Policies  []bellwether.PolicyID
	Decisions int64
	Effects   []Effect
}

// Survey is how satisfied people said that they are.
type Survey struct{ Mean, Satisfied, Promoter, Response bellwether.Estimate }

// Cost is what was spent and what came back.
type Cost struct {
	Messages int64
	Sent     float64
	Other    float64
	Return   bellwether.Estimate
}

// PolicyValue is what another policy would have earned a decision, from the log alone.
type PolicyValue struct {
	Surface                       bellwether.Surface
	Policy, Metric                string
	N                             int64
	ESS                           float64
	Logged, SNDR, SNIPS, DR, Gain bellwether.Estimate
}

// Plan is the calculation that sized the holdout.
type Plan struct {
	Metric string
	Effect float64
	People int64
	Share  float64
	SD     float64
}

// Check is one assumption and whether it held.
type Check struct {
	Name            string
	Strength        string // "passed", "warning", "withheld", "error"
	Measured, Limit float64
	Message         string
}

// Data is what came in and what became of it.
type Data struct {
	Waiting      bool // events came in and nobody was read yet
	Events       int64
	People       int64
	First        time.Time
	Last         time.Time
	Days         []DayCount // oldest first
	Types        []TypeCount
	Rules        []Rule    // in the order of the rules
	Refused      []Refused // newest first
	RefusedTotal int64
	Imports      []Import // newest first
}

// DayCount is the events of one day.
type DayCount struct {
	Day    time.Time
	Events int64
}

// TypeCount is the events of one type.
type TypeCount struct {
	Type   string
	Events int64
	Last   time.Time
}

// Rule is what one cleaning rule did.
type Rule struct {
	Name                   string
	Why                    string // an English sentence
	Seen, Changed, Dropped int64
	Examples               []Example
}

// Example is one thing that a rule found.
type Example struct{ ID, Before, After string }

// Refused is one message that was kept aside.
type Refused struct {
	Time         time.Time
	Source       string
	Line         int64
	Reason, Text string
}

// Import is one file that was read.
type Import struct {
	ID                            string
	File, Format                  string
	Time                          time.Time
	Read, Kept, Refused, Repeated int64
	Undone                        time.Time // zero: it holds
}

// Replayed is what reading messages again did, or would do.
type Replayed struct {
	Tried, Accepted int64
	Still           []Refused // the first ones that stay aside
}
