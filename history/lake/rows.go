package lake

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"bellwether"
)

// Decimal is an amount in major units, kept as thousandths: DECIMAL(18,3) in Parquet. It holds the minor unit of every
// currency exactly, and every amount that an event may carry.
type Decimal int64

// decimalScale is 10³.
const decimalScale = 1000

// String writes the amount with two decimals, or three where they are needed.
func (d Decimal) String() string {
	sign, n := "", uint64(d)
	if d < 0 {
		sign, n = "-", -uint64(d)
	}
	rest := strconv.FormatUint(decimalScale+n%decimalScale, 10)[1:]
	if rest[2] == '0' {
		rest = rest[:2]
	}
	return sign + strconv.FormatUint(n/decimalScale, 10) + "." + rest
}

// MarshalJSON writes a number.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// decimalOf is the amount of m; nil where none is known.
func decimalOf(m bellwether.Money) *Decimal {
	if m.IsZero() {
		return nil
	}
	d := Decimal(m.Amount)
	for range 3 - m.Currency.Exponent() {
		d *= 10
	}
	return &d
}

// decimalOfMajor rounds an amount in major units; nil where there is none.
func decimalOfMajor(v float64, known bool) *Decimal {
	if !known || math.Abs(v) > math.MaxInt64/decimalScale/2 {
		return nil
	}
	d := Decimal(math.Round(v * decimalScale))
	return &d
}

// EventRow is a row of the table of events.
//
// What may be null is a pointer: the Parquet library writes the zero of a value that is tagged optional as null or as
// zero, by its neighbours (its issue 154).
type EventRow struct {
	Subject   string    `parquet:"subject,dict" json:"subject"`   // canonical; "~" and a device where nobody signed in
	Identity  string    `parquet:"identity,dict" json:"identity"` // that the event was sent under
	Occurred  time.Time `parquet:"occurred,timestamp(microsecond)" json:"occurred"`
	Received  time.Time `parquet:"received,timestamp(microsecond)" json:"received"`
	ID        string    `parquet:"id" json:"id"`
	Type      string    `parquet:"type,dict" json:"type"`
	Anonymous *string   `parquet:"anonymous,optional,dict" json:"anonymous,omitempty"`
	Session   *string   `parquet:"session,optional,dict" json:"session,omitempty"`
	Item      *string   `parquet:"item,optional,dict" json:"item,omitempty"`
	Quantity  *int64    `parquet:"quantity,optional" json:"quantity,omitempty"`
	Price     *Decimal  `parquet:"price,decimal(3:18),optional" json:"price,omitempty"` // of one piece, major units
	Currency  *string   `parquet:"currency,optional,dict" json:"currency,omitempty"`
	Value     *float64  `parquet:"value,optional" json:"value,omitempty"`
	Order     *string   `parquet:"order,optional,dict" json:"order,omitempty"`
	Position  *int32    `parquet:"position,optional" json:"position,omitempty"`
	Channel   *string   `parquet:"channel,optional,dict" json:"channel,omitempty"`
	Campaign  *string   `parquet:"campaign,optional,dict" json:"campaign,omitempty"`
	Creative  *string   `parquet:"creative,optional,dict" json:"creative,omitempty"`
	Decision  *string   `parquet:"decision,optional,dict" json:"decision,omitempty"`
	UserAgent *string   `parquet:"user_agent,optional,dict" json:"user_agent,omitempty"`
	Consent   *string   `parquet:"consent,optional,dict" json:"consent,omitempty"` // purposes with commas; "": withdrawn
	Traits    *string   `parquet:"traits,optional" json:"traits,omitempty"`        // a JSON object
}

// said returns p, nil where it points to a zero.
func said[T comparable](p *T) *T {
	var zero T
	if *p == zero {
		return nil
	}
	return p
}

func newEventRow(e *bellwether.Event, subject, identity string) (*EventRow, error) {
	r := &EventRow{
		Subject: subject, Identity: identity, Occurred: e.Occurred.UTC().Truncate(time.Microsecond), Received: e.Received.UTC().Truncate(time.Microsecond),
		ID: string(e.ID), Type: string(e.Type), Anonymous: said((*string)(&e.Anonymous)), Session: said(&e.Session), Item: said((*string)(&e.Item)),
		Quantity: said(&e.Quantity), Price: decimalOf(e.Price), Currency: said((*string)(&e.Price.Currency)), Value: said(&e.Value), Order: said(&e.Order),
		Position: said(&e.Position), Channel: said((*string)(&e.Channel)), Campaign: said((*string)(&e.Campaign)), Creative: said((*string)(&e.Creative)),
		Decision: said((*string)(&e.Decision)), UserAgent: said(&e.UserAgent),
	}
	if e.Type == bellwether.Survey {
		r.Value = &e.Value // 0 is an answer
	}
	if e.Consent != nil {
		r.Consent = purposes(e.Consent)
	}
	var err error
	if len(e.Traits) > 0 {
		r.Traits, err = jsonText(e.Traits)
	}
	return r, err
}

func purposes(consent []bellwether.Purpose) *string {
	text := ""
	for i, p := range consent {
		if i > 0 {
			text += ","
		}
		text += string(p)
	}
	return &text
}

// jsonText is v as JSON, with the keys of maps in order.
func jsonText(v any) (*string, error) {
	b, err := json.Marshal(v)
	text := string(b)
	return &text, err
}

// DecisionRow is a row of the table of decisions.
type DecisionRow struct {
	Subject     string         `parquet:"subject,dict" json:"subject"`
	Time        time.Time      `parquet:"time,timestamp(microsecond)" json:"time"`
	ID          string         `parquet:"id" json:"id"`
	Surface     string         `parquet:"surface,dict" json:"surface"`
	Policy      string         `parquet:"policy,dict" json:"policy"`
	Model       *string        `parquet:"model,optional,dict" json:"model,omitempty"`
	Holdout     bool           `parquet:"holdout" json:"holdout"`
	Evaluable   bool           `parquet:"evaluable" json:"evaluable"`
	Slate       bool           `parquet:"slate" json:"slate"`
	Propensity  float64        `parquet:"propensity" json:"propensity"` // of what was done
	Floor       float64        `parquet:"floor" json:"floor"`
	Seed        uint64         `parquet:"seed" json:"seed"`
	Snapshot    *string        `parquet:"snapshot,optional,dict" json:"snapshot,omitempty"`
	Actions     []string       `parquet:"actions,list" json:"actions"` // chosen, in order
	Candidates  []CandidateRow `parquet:"candidates,list" json:"candidates"`
	Filters     []string       `parquet:"filters,list" json:"filters,omitempty"`
	Context     *string        `parquet:"context,optional" json:"context,omitempty"`              // a JSON object of numbers
	Arms        *string        `parquet:"arms,optional,dict" json:"arms,omitempty"`               // a JSON object of texts
	Multipliers *string        `parquet:"multipliers,optional,dict" json:"multipliers,omitempty"` // a JSON object of numbers
	Consent     *string        `parquet:"consent,optional,dict" json:"consent,omitempty"`
}

// CandidateRow is one thing that could have been done.
type CandidateRow struct {
	Action     string  `parquet:"action,dict" json:"action"`
	Score      float64 `parquet:"score" json:"score"`
	Propensity float64 `parquet:"propensity" json:"propensity"`
}

func newDecisionRow(d *bellwether.Decision, subject string) (*DecisionRow, error) {
	r := &DecisionRow{
		Subject: subject, Time: d.Time.UTC().Truncate(time.Microsecond), ID: string(d.ID), Surface: string(d.Surface), Policy: string(d.Policy),
		Model: said((*string)(&d.Model)), Holdout: d.Holdout, Evaluable: d.Evaluable, Slate: d.Slate, Propensity: d.Propensity, Floor: d.Floor,
		Seed: d.Seed, Snapshot: said(&d.Snapshot), Actions: d.Chosen(), Filters: d.Filters,
	}
	for _, c := range d.Candidates {
		r.Candidates = append(r.Candidates, CandidateRow(c))
	}
	if d.Consent != nil {
		r.Consent = purposes(d.Consent)
	}
	var err error
	if len(d.Context) > 0 {
		r.Context, err = jsonText(d.Context)
	}
	if err == nil && len(d.Arms) > 0 {
		r.Arms, err = jsonText(d.Arms)
	}
	if err == nil && len(d.Multipliers) > 0 {
		r.Multipliers, err = jsonText(d.Multipliers)
	}
	return r, err
}

// OutcomeRow is a row of the table of outcomes: a settled outcome, with what is asked of its decision most.
type OutcomeRow struct {
	Subject  string     `parquet:"subject,dict" json:"subject"`
	Time     time.Time  `parquet:"time,timestamp(microsecond)" json:"time"` // of the decision
	Decision string     `parquet:"decision" json:"decision"`
	Surface  string     `parquet:"surface,dict" json:"surface"`
	Policy   string     `parquet:"policy,dict" json:"policy"`
	Model    *string    `parquet:"model,optional,dict" json:"model,omitempty"`
	Holdout  bool       `parquet:"holdout" json:"holdout"`
	Exposed  *time.Time `parquet:"exposed,optional,timestamp(microsecond)" json:"exposed,omitempty"`
	Revenue  *Decimal   `parquet:"revenue,decimal(3:18),optional" json:"revenue,omitempty"` // in the project's currency
	Margin   *Decimal   `parquet:"margin,decimal(3:18),optional" json:"margin,omitempty"`
	Rewards  *string    `parquet:"rewards,optional" json:"rewards,omitempty"` // a JSON object: every metric as a number
	Rule     string     `parquet:"rule,dict" json:"rule"`
	Matured  bool       `parquet:"matured" json:"matured"`
	Events   []string   `parquet:"events,list" json:"events,omitempty"` // that were credited
}

// Rewards that are amounts of money, as package measure names them.
const (
	revenue = "revenue"
	margin  = "margin"
)

func newOutcomeRow(o *bellwether.Outcome, d *bellwether.Decision, subject string) (*OutcomeRow, error) {
	r := &OutcomeRow{
		Subject: subject, Time: d.Time.UTC().Truncate(time.Microsecond), Decision: string(o.Decision), Surface: string(d.Surface), Policy: string(d.Policy),
		Model: said((*string)(&d.Model)), Holdout: d.Holdout, Rule: o.Rule, Matured: o.Matured,
	}
	if !o.Exposed.IsZero() {
		at := o.Exposed.UTC().Truncate(time.Microsecond)
		r.Exposed = &at
	}
	amount, known := o.Rewards[revenue]
	r.Revenue = decimalOfMajor(amount, known)
	amount, known = o.Rewards[margin]
	r.Margin = decimalOfMajor(amount, known)
	for _, id := range o.Events {
		r.Events = append(r.Events, string(id))
	}
	var err error
	if len(o.Rewards) > 0 {
		r.Rewards, err = jsonText(o.Rewards)
	}
	return r, err
}
