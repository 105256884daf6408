package bellwether

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// refused checks that err is a *FieldError about field.
func refused(t *testing.T, name string, err error, field string) {
	t.Helper()
	var bad *FieldError
	if !errors.As(err, &bad) || bad.Field != field {
		t.Errorf("%s: error %v, want one about %q", name, err, field)
	}
}

func TestEventValidate(t *testing.T) {
	for _, test := range []struct {
		name, field string
		change      func(*Event)
	}{
		{"no id", "id", func(e *Event) { e.ID = "" }},
		{"long id", "id", func(e *Event) { e.ID = EventID(strings.Repeat("x", MaxIDLength+1)) }},
		{"no type", "type", func(e *Event) { e.Type = "" }},
		{"long type", "type", func(e *Event) { e.Type = EventType(strings.Repeat("x", 101)) }},
		{"no person", "subject", func(e *Event) { e.Subject, e.Anonymous = "", "" }},
		{"control character", "item", func(e *Event) { e.Item = "a\x00b" }},
		{"broken UTF-8", "campaign", func(e *Event) { e.Campaign = "\xff" }},
		{"no time", "occurred", func(e *Event) { e.Occurred = time.Time{} }},
		{"milliseconds as seconds", "occurred", func(e *Event) { e.Occurred = time.Unix(1_700_000_000_000, 0) }},
		{"before 1970", "received", func(e *Event) { e.Received = time.Unix(-1, 0) }},
		{"negative quantity", "quantity", func(e *Event) { e.Quantity = -1 }},
		{"huge quantity", "quantity", func(e *Event) { e.Quantity = MaxQuantity + 1 }},
		{"negative price", "price", func(e *Event) { e.Price.Amount = -1 }},
		{"price beyond the range", "price", func(e *Event) { e.Price.Amount = MaxPriceAmount + 1 }},
		{"currency in words", "price", func(e *Event) { e.Price.Currency = "euro" }},
		{"currency in small letters", "price", func(e *Event) { e.Price.Currency = "eur" }},
		{"amount without currency", "price", func(e *Event) { e.Price = Money{Amount: 5} }},
		{"not a number", "value", func(e *Event) { e.Value = math.NaN() }},
		{"negative position", "position", func(e *Event) { e.Position = -1 }},
		{"nested trait", "traits.deep", func(e *Event) { e.Traits["deep"] = map[string]any{} }},
		{"infinite trait", "traits.inf", func(e *Event) { e.Traits["inf"] = math.Inf(1) }},
		{"long trait", "traits.text", func(e *Event) { e.Traits["text"] = strings.Repeat("x", 8193) }},
	} {
		e := exampleEvent()
		test.change(e)
		refused(t, test.name, e.Validate(), test.field)
	}
	spend := &Event{ID: "s", Type: MediaSpend, Occurred: moments(0), Received: moments(0), Channel: "search", Price: Money{100, "EUR"}}
	if err := spend.Validate(); err != nil {
		t.Errorf("market data needs no person: %v", err)
	}
	refund := exampleEvent()
	refund.Type, refund.Price.Amount = Refund, -1999
	if err := refund.Validate(); err != nil {
		t.Errorf("a refund may be negative: %v", err)
	}
}

func TestDecisionValidate(t *testing.T) {
	for _, test := range []struct {
		name, field string
		change      func(*Decision)
	}{
		{"no id", "id", func(d *Decision) { d.ID = "" }},
		{"no subject", "subject", func(d *Decision) { d.Subject = "" }},
		{"no surface", "surface", func(d *Decision) { d.Surface = "" }},
		{"no policy", "policy", func(d *Decision) { d.Policy = "" }},
		{"no candidates", "candidates", func(d *Decision) { d.Candidates = nil }},
		{"no action", "actions", func(d *Decision) { d.Actions = nil }},
		{"two actions, no slate", "actions", func(d *Decision) { d.Slate = false }},
		{"action twice", "actions", func(d *Decision) { d.Actions = []int{1, 1} }},
		{"action beyond the candidates", "actions", func(d *Decision) { d.Actions = []int{3} }},
		{"action before the candidates", "actions", func(d *Decision) { d.Actions = []int{-1} }},
		{"negative propensity", "candidates", func(d *Decision) { d.Candidates[2].Propensity = -.2 }},
		{"score that is no number", "candidates", func(d *Decision) { d.Candidates[2].Score = math.NaN() }},
		{"I1: zero propensity", "propensity", func(d *Decision) { d.Propensity = 0 }},
		{"I2: deterministic with p < 1", "propensity", func(d *Decision) { d.Evaluable = false }},
	} {
		d := exampleDecision()
		test.change(d)
		refused(t, test.name, d.Validate(), test.field)
	}
	d := exampleDecision()
	d.Evaluable, d.Propensity, d.LogPropensity, d.Floor = false, 1, 0, 0
	if err := d.Validate(); err != nil {
		t.Errorf("a deterministic decision says so: %v", err)
	}
}

func TestOtherRecordsValidate(t *testing.T) {
	item, profile, outcome := exampleItem(), exampleProfile(), exampleOutcome()
	item.To = item.From.Add(-time.Second)
	refused(t, "item that ends before it starts", item.Validate(), "to")
	item = exampleItem()
	item.Features[0] = float32(math.Inf(1))
	refused(t, "infinite feature", item.Validate(), "features")
	item = exampleItem()
	item.Cost.Currency = "?"
	refused(t, "currency", item.Validate(), "cost")
	profile.Bucket = Buckets
	refused(t, "bucket", profile.Validate(), "bucket")
	profile = exampleProfile()
	profile.Links[0].ID = ""
	refused(t, "link", profile.Validate(), "links.id")
	outcome.Rewards["click"] = math.Inf(-1)
	refused(t, "reward", outcome.Validate(), "rewards.click")
	outcome = exampleOutcome()
	outcome.Rule = ""
	refused(t, "rule", outcome.Validate(), "rule")
	outcome = exampleOutcome()
	outcome.Positions["click"] = []float64{1}
	refused(t, "one place for two actions", outcome.Validate(), "positions.click")
	outcome.Positions["click"] = []float64{1, math.NaN()}
	refused(t, "position", outcome.Validate(), "positions.click")
}

func TestMoney(t *testing.T) {
	for _, test := range []struct {
		m     Money
		text  string
		major float64
	}{
		{Money{1999, "EUR"}, "19.99 EUR", 19.99},
		{Money{1999, "JPY"}, "1999 JPY", 1999},
		{Money{1999, "BHD"}, "1.999 BHD", 1.999},
		{Money{-5, "USD"}, "-0.05 USD", -.05},
	} {
		if got := test.m.String(); got != test.text {
			t.Errorf("got %q, want %q", got, test.text)
		}
		if got := test.m.Major(); math.Abs(got-test.major) > 1e-12 {
			t.Errorf("%s: major %g", test.text, got)
		}
	}
	e := Event{Price: Money{250, "EUR"}}
	if got := e.Revenue(); got != (Money{250, "EUR"}) {
		t.Errorf("a quantity that was not said counts as one: %v", got)
	}
	e.Quantity = 3
	if got := e.Revenue(); got != (Money{750, "EUR"}) {
		t.Errorf("three pieces: %v", got)
	}
}

// TestHoldoutBucket holds the definition (SHA-256("salt-1ana") mod 10 000, computed apart) and an even spread.
func TestHoldoutBucket(t *testing.T) {
	if got := HoldoutBucket("salt-1", "ana"); got != 538 {
		t.Errorf("got %d, want %d", got, 538)
	}
	const people = 20_000
	held := 0
	for i := range people {
		if HoldoutBucket("s", Subject(strconv.Itoa(i))) < 500 {
			held++
		}
	}
	if share := float64(held) / people; math.Abs(share-.05) > .005 { // 3 standard errors are .0046
		t.Errorf("%.4f of people fall into 5 %% of the buckets", share)
	}
}
