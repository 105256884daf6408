package prepare

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"bellwether"
)

// day returns the start of a day of the tests' calendar.
func day(n int) time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

func all(events ...bellwether.Event) iter.Seq2[bellwether.Event, error] {
	return func(yield func(bellwether.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// view is a valid event of a person at a moment; the id must be given to each.
func view(id, subject, item string, at time.Time) bellwether.Event {
	return bellwether.Event{
		ID: bellwether.EventID(id), Type: bellwether.ViewItem, Subject: bellwether.Subject(subject),
		Item: bellwether.ItemID(item), Occurred: at, Received: at.Add(time.Second),
	}
}

func purchase(id, subject, item string, at time.Time, amount int64) bellwether.Event {
	e := view(id, subject, item, at)
	e.Type, e.Price, e.Quantity, e.Order = bellwether.Purchase, eur(amount), 1, "order of "+id
	return e
}

func eur(amount int64) bellwether.Money { return bellwether.Money{Amount: amount, Currency: "EUR"} }

var catalogue = []bellwether.Item{{ID: "Tea", Price: eur(1000), Category: "food"}, {ID: "cup", Price: eur(500), Category: "kitchen"}}

func clean(t testing.TB, in Input) *Cleaned {
	t.Helper()
	c, err := Clean(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRules shows each rule one event that it must find among sound ones, and what becomes of it.
func TestRules(t *testing.T) {
	with := func(change func(*bellwether.Event)) bellwether.Event {
		e := purchase("x", "ana", "Tea", day(3), 1000)
		change(&e)
		return e
	}
	was := with(func(*bellwether.Event) {})
	for _, test := range []struct {
		name, rule             string
		seen, changed, dropped int64
		event, want            bellwether.Event
	}{
		{"invalid", "invalid", 1, 0, 1, with(func(e *bellwether.Event) { e.Value = math.NaN() }), bellwether.Event{}},
		{"as of", "as_of", 1, 0, 1, with(func(e *bellwether.Event) { e.Received = day(100) }), bellwether.Event{}},
		{"repeated id", "repeated_id", 1, 0, 1, with(func(e *bellwether.Event) { e.ID = "s0" }), bellwether.Event{}},
		{"item in other case", "names", 1, 1, 0, with(func(e *bellwether.Event) { e.Item = " TEA" }), was},
		{"type as a title", "names", 1, 1, 0, with(func(e *bellwether.Event) { e.Type = " Purchase " }), was},
		{"channel", "names", 1, 1, 0, with(func(e *bellwether.Event) { e.Channel = "  Paid  Search" }), with(func(e *bellwether.Event) { e.Channel = "paid search" })},
		{"person with spaces", "names", 1, 1, 0, with(func(e *bellwether.Event) { e.Subject = "ana " }), was},
		{"person of spaces", "names", 1, 0, 1, with(func(e *bellwether.Event) { e.Subject = " " }), bellwether.Event{}},
		{"future", "future", 1, 1, 0, with(func(e *bellwether.Event) { e.Occurred = e.Received.Add(6 * time.Minute) }), with(func(e *bellwether.Event) { e.Occurred = e.Received })},
		{"clock a little ahead", "future", 0, 0, 0, with(func(e *bellwether.Event) { e.Occurred = e.Received.Add(5 * time.Minute) }), with(func(e *bellwether.Event) { e.Occurred = e.Received.Add(5 * time.Minute) })},
		{"robot", "robot_agent", 1, 0, 1, with(func(e *bellwether.Event) { e.UserAgent = "Mozilla/5.0 (compatible; Googlebot/2.1)" }), bellwether.Event{}},
		{"cubot telephone", "robot_agent", 0, 0, 0, with(func(e *bellwether.Event) { e.UserAgent = "Android; CUBOT X18" }), with(func(e *bellwether.Event) { e.UserAgent = "Android; CUBOT X18" })},
		{"duplicate", "duplicate", 1, 0, 1, with(func(e *bellwether.Event) { *e = view("x", "s", "cup", day(0).Add(300*time.Millisecond)) }), bellwether.Event{}},
		{"order sent twice", "duplicate", 1, 0, 1, with(func(e *bellwether.Event) { *e = purchase("s9", "s", "cup", day(2), 500); e.ID = "x" }), bellwether.Event{}},
		{"dollars", "currency", 1, 1, 0, with(func(e *bellwether.Event) { e.Price = bellwether.Money{Amount: 2001, Currency: "USD"} }), with(func(e *bellwether.Event) { e.Price = eur(1001) })},
		{"yen", "currency", 1, 1, 0, with(func(e *bellwether.Event) { e.Price = bellwether.Money{Amount: 1500, Currency: "JPY"} }), with(func(e *bellwether.Event) { e.Price = eur(900) })},
		{"no rate", "unknown_currency", 1, 0, 0, with(func(e *bellwether.Event) { e.Price.Currency = "CHF" }), with(func(e *bellwether.Event) { e.Price.Currency = "CHF" })},
		{"no price", "missing_price", 1, 1, 0, with(func(e *bellwether.Event) { e.Price = bellwether.Money{} }), was},
		{"no price, unknown item", "missing_price", 1, 0, 0, with(func(e *bellwether.Event) { e.Price, e.Item = bellwether.Money{}, "new" }), with(func(e *bellwether.Event) { e.Price, e.Item = bellwether.Money{}, "new" })},
		{"euros for cents", "outlying_price", 1, 1, 0, with(func(e *bellwether.Event) { e.Price = eur(100_000) }), was},
		{"cents for euros", "outlying_price", 1, 1, 0, with(func(e *bellwether.Event) { e.Price = eur(99) }), was},
		{"ten times", "outlying_price", 0, 0, 0, with(func(e *bellwether.Event) { e.Price = eur(10_000) }), with(func(e *bellwether.Event) { e.Price = eur(10_000) })},
		{"a lorry of tea", "outlying_quantity", 1, 1, 0, with(func(e *bellwether.Event) { e.Quantity = 101 }), with(func(e *bellwether.Event) { e.Quantity = 0 })},
		{"a box of tea", "outlying_quantity", 0, 0, 0, with(func(e *bellwether.Event) { e.Quantity = 100 }), with(func(e *bellwether.Event) { e.Quantity = 100 })},
		{"answer 11", "outlying_value", 1, 0, 1, with(func(e *bellwether.Event) { e.Type, e.Value = bellwether.Survey, 11 }), bellwether.Event{}},
		{"two days on a page", "outlying_value", 1, 1, 0, with(func(e *bellwether.Event) { e.Type, e.Value = bellwether.Engagement, 172_800 }), with(func(e *bellwether.Event) { e.Type = bellwether.Engagement })},
		{"late", "late", 1, 0, 0, with(func(e *bellwether.Event) { e.Received = e.Occurred.AddDate(0, 0, 2) }), with(func(e *bellwether.Event) { e.Received = e.Occurred.AddDate(0, 0, 2) })},
	} {
		t.Run(test.name, func(t *testing.T) {
			events := []bellwether.Event{view("s0", "s", "cup", day(0))}
			for i := 1; i < 12; i++ {
				events = append(events, purchase(fmt.Sprint("s", i), "s", "cup", day(1), 500))
			}
			events = append(events, test.event)
			c := clean(t, Input{Events: all(events...), Items: catalogue, AsOf: day(50), Rules: Rules{
				Currency: "EUR", Rates: map[bellwether.Currency]float64{"USD": .5, "JPY": .006},
			}})
			for _, row := range c.Report.Rules {
				want := RuleReport{Rule: row.Rule, Why: row.Why}
				if row.Rule == test.rule {
					want.Seen, want.Changed, want.Dropped = test.seen, test.changed, test.dropped
				}
				want.Examples = row.Examples
				if diff := cmp.Diff(want, row); diff != "" {
					t.Errorf("rule %s (-want +got):\n%s", row.Rule, diff)
				}
				if row.Why == "" || len(row.Examples) != int(min(row.Seen, maxExamples)) {
					t.Errorf("rule %s: why %q, %d examples of %d", row.Rule, row.Why, len(row.Examples), row.Seen)
				}
			}
			var got bellwether.Event
			for _, e := range c.Events {
				if e.ID == "x" {
					got = e
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRobotRate(t *testing.T) {
	session := func(id string, n int, gap time.Duration, name string) (out []bellwether.Event) {
		for i := range n {
			e := view(fmt.Sprint(id, "-", i), id, fmt.Sprint("item", i), day(1).Add(time.Duration(i)*gap))
			e.Session = name
			out = append(out, e)
		}
		return out
	}
	for _, test := range []struct {
		name string
		in   []bellwether.Event
		want int64
	}{
		{"200 views in 100 seconds", session("r", 200, 500*time.Millisecond, "one"), 0},
		{"200 views in 80 seconds", session("r", 200, 400*time.Millisecond, "one"), 200},
		{"the same without a session", session("r", 200, 400*time.Millisecond, ""), 200},
		{"121 views in 60 seconds", session("r", 121, 495*time.Millisecond, ""), 121},
		{"120 views in 20 seconds", session("r", 120, 166*time.Millisecond, ""), 0},
		{"500 views known to the day", session("r", 500, 0, ""), 0},
		{"500 views in nine seconds", session("r", 500, 17*time.Millisecond, ""), 0},
	} {
		human := session("human", 60, 2*time.Second, "")
		c := clean(t, Input{Events: all(append(test.in, human...)...)})
		if got := c.Report.Rule("robot_rate").Dropped; got != test.want {
			t.Errorf("%s: %d dropped, want %d", test.name, got, test.want)
		}
	}
	later := view("later", "r", "item", day(1).Add(time.Hour)) // another session of the same sender
	c := clean(t, Input{Events: all(append(session("r", 200, 400*time.Millisecond, ""), later)...)})
	if len(c.Events) != 1 || c.Events[0].ID != "later" {
		t.Errorf("a session apart is kept: %d events", len(c.Events))
	}
}

func TestReferencePriceWithoutCatalogue(t *testing.T) {
	var events []bellwether.Event
	for i, amount := range []int64{900, 1000, 1100, 1000, 100_000, 0} {
		e := purchase(fmt.Sprint(i), "ana", "tea", day(i), amount)
		if amount == 0 {
			e.Price = bellwether.Money{}
		}
		events = append(events, e)
	}
	c := clean(t, Input{Events: all(events...)})
	if c.Currency != "EUR" || c.Events[4].Price != eur(1000) || c.Events[5].Price != eur(1000) {
		t.Errorf("currency %s, outlier %v, missing %v", c.Currency, c.Events[4].Price, c.Events[5].Price)
	}
}

func TestValuesOfCustomTypes(t *testing.T) {
	var events []bellwether.Event
	for i := range 21 {
		e := view(fmt.Sprint(i), "ana", "tea", day(i))
		e.Type, e.Value = "rating", float64(1+i%5)
		events = append(events, e)
	}
	events[20].Value = 5e6
	c := clean(t, Input{Events: all(events...)})
	if r := c.Report.Rule("outlying_value"); r.Changed != 1 || c.Events[20].Value != 0 {
		t.Errorf("%+v", r)
	}
}

func TestCampaignSpelling(t *testing.T) {
	var events []bellwether.Event
	for i, name := range []bellwether.CampaignID{"Spring", "SPRING", "Spring ", "spring", "other"} {
		e := view(fmt.Sprint(i), "ana", "tea", day(i))
		e.Campaign = name
		events = append(events, e)
	}
	c := clean(t, Input{Events: all(events...)})
	for i, e := range c.Events[:4] {
		if e.Campaign != "Spring" {
			t.Errorf("event %d: campaign %q", i, e.Campaign)
		}
	}
	if r := c.Report.Rule("names"); r.Changed != 3 {
		t.Errorf("%d changed, want 3", r.Changed)
	}
}

func TestCleanErrors(t *testing.T) {
	broken := errors.New("disk")
	events := func(yield func(bellwether.Event, error) bool) { yield(bellwether.Event{}, broken) }
	if _, err := Clean(context.Background(), Input{Events: events}); !errors.Is(err, broken) {
		t.Errorf("a reader's error: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Clean(ctx, Input{Events: all(view("1", "a", "b", day(0)))}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
	_, err := Clean(context.Background(), Input{Rules: Rules{Currency: "EUR", Rates: map[bellwether.Currency]float64{"USD": -1}}})
	if err == nil || !strings.Contains(err.Error(), "USD") {
		t.Errorf("a negative rate: %v", err)
	}
	if c := clean(t, Input{}); len(c.Events) != 0 || len(c.Report.Rules) != len(reasons) {
		t.Errorf("no events: %d events, %d rules", len(c.Events), len(c.Report.Rules))
	}
}

// drawLog draws a log of a few people with ids, sessions, logins and mistakes.
func drawLog(t *rapid.T) []bellwether.Event {
	n := rapid.IntRange(0, 60).Draw(t, "events")
	events := make([]bellwether.Event, n)
	for i := range events {
		at := day(0).Add(time.Duration(rapid.IntRange(0, 100*24*3600).Draw(t, "at")) * time.Second)
		e := bellwether.Event{
			ID:       bellwether.EventID(fmt.Sprint(rapid.IntRange(0, 2*n).Draw(t, "id"))),
			Type:     rapid.SampledFrom([]bellwether.EventType{"view_item", "purchase", "add_to_cart", "identify", "alias", "page_view"}).Draw(t, "type"),
			Occurred: at, Received: at.Add(time.Duration(rapid.IntRange(-1000, 4*24*3600).Draw(t, "delay")) * time.Second),
			Subject:   rapid.SampledFrom([]bellwether.Subject{"", "ana", "bo", "cy"}).Draw(t, "subject"),
			Anonymous: rapid.SampledFrom([]bellwether.AnonymousID{"", "x", "y", "z"}).Draw(t, "anonymous"),
			Item:      rapid.SampledFrom([]bellwether.ItemID{"", "tea", "TEA", "cup"}).Draw(t, "item"),
			Quantity:  rapid.SampledFrom([]int64{0, 1, 2, 5000}).Draw(t, "quantity"),
		}
		if e.Type == bellwether.Alias {
			e.Previous = rapid.SampledFrom([]string{"", "x", "ana", "bo"}).Draw(t, "previous")
		}
		if rapid.Bool().Draw(t, "priced") {
			e.Price = eur(rapid.SampledFrom([]int64{1000, 900, 100_000}).Draw(t, "amount"))
		}
		if rapid.Bool().Draw(t, "consent") {
			e.Consent = []bellwether.Purpose{"analytics"}
		}
		events[i] = e
	}
	return events
}

func TestCleanIsDeterministicAndAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := drawLog(t)
		run := func() *Cleaned {
			c, err := Clean(context.Background(), Input{Events: all(log...), Items: catalogue})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		a, b := run(), run()
		if diff := cmp.Diff(a.Events, b.Events) + cmp.Diff(a.Report, b.Report) + cmp.Diff(a.owners, b.owners); diff != "" {
			t.Fatal(diff)
		}
		dropped := int64(0)
		for _, r := range a.Report.Rules {
			dropped += r.Dropped
			if r.Changed+r.Dropped > r.Seen {
				t.Fatalf("%+v", r)
			}
		}
		if int(dropped)+len(a.Events) != len(log) {
			t.Fatalf("%d events: %d dropped, %d left", len(log), dropped, len(a.Events))
		}
		for i, e := range a.Events {
			if e.Subject == "" || e.Validate() != nil || i > 0 && e.Occurred.Before(a.Events[i-1].Occurred) {
				t.Fatalf("event %d: %+v", i, e)
			}
		}
	})
}

// TestCleanIsIdempotent: clean data stay as they are.
func TestCleanIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once, err := Clean(context.Background(), Input{Events: all(drawLog(t)...), Items: catalogue})
		if err != nil {
			t.Fatal(err)
		}
		twice, err := Clean(context.Background(), Input{Events: all(once.Events...), Items: once.Items})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range twice.Report.Rules {
			if r.Dropped > 0 && r.Rule != "duplicate" { // ids that were merged can make two events equal
				t.Fatalf("%+v", r)
			}
		}
	})
}
