package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bellwether"
	"bellwether/history"

	"github.com/google/go-cmp/cmp"
)

func euro(minor int64) bellwether.Money { return bellwether.Money{Amount: minor, Currency: "EUR"} }

func by(channel, campaign string) func(*bellwether.Event) {
	return func(e *bellwether.Event) {
		e.Channel, e.Campaign = bellwether.Channel(channel), bellwether.CampaignID(campaign)
	}
}

func redeems(code string) func(*bellwether.Event) {
	return func(e *bellwether.Event) { e.Traits = map[string]any{"coupon": code} }
}

func francs(minor int64) func(*bellwether.Event) {
	return func(e *bellwether.Event) { e.Price = bellwether.Money{Amount: minor, Currency: "CHF"} }
}

// TestWhatContactsCost: the message itself, its campaign, its channel say it, in this order; what nobody says is missing by name and
// never 0.
func TestWhatContactsCost(t *testing.T) {
	costsOf := Costs{
		Messages:  map[bellwether.Channel]Each{"email": {Money: euro(2)}, "letter": {Money: bellwether.Money{Amount: 1, Currency: "CHF"}}, "push": {Money: euro(0)}, "news": {euro(4), 100}},
		Campaigns: map[bellwether.CampaignID]CampaignCost{"spring": {Contact: Each{Money: euro(30)}, Coupon: euro(150)}},
		Coupons:   map[string]bellwether.Money{"TEN": euro(100)},
	}
	for _, c := range []struct {
		name    string
		event   bellwether.Event
		want    float64
		missing []string
	}{
		{"says it itself", event("e", bellwether.MessageSent, "s", 1, by("email", "spring"), costs(7)), 0.07, nil},
		{"its campaign", event("e", bellwether.MessageSent, "s", 1, by("email", "spring")), 0.3, nil},
		{"its channel", event("e", bellwether.MessageSent, "s", 1, by("email", "summer")), 0.02, nil},
		{"a part of a cent", event("e", bellwether.MessageSent, "s", 1, by("news", "")), 0.0004, nil},
		{"free", event("e", bellwether.MessageSent, "s", 1, by("push", "")), 0, nil},
		{"nobody, with a campaign", event("e", bellwether.MessageSent, "s", 1, by("sms", "summer")), 0, []string{`the cost of a message of campaign "summer"`}},
		{"nobody, with a channel", event("e", bellwether.MessageSent, "s", 1, by("sms", "")), 0, []string{"the cost of a message by sms"}},
		{"nobody", event("e", bellwether.MessageSent, "s", 1), 0, []string{"the cost of a message without channel and campaign"}},
		{"no rate", event("e", bellwether.MessageSent, "s", 1, by("letter", "")), 0, []string{"the exchange rate of CHF"}},
		{"a rate", event("e", bellwether.MessageSent, "s", 1, func(e *bellwether.Event) { e.Price = bellwether.Money{Amount: 10, Currency: "USD"} }), 0.05, nil},
		{"a coupon by its code", event("e", bellwether.Purchase, "s", 1, redeems("TEN")), 1, nil},
		{"a coupon of a campaign", event("e", bellwether.Purchase, "s", 1, redeems("TEN"), by("", "spring")), 1.5, nil},
		{"a coupon that nobody prices", event("e", bellwether.Purchase, "s", 1, redeems("ODD"), by("", "summer")), 0, []string{`the cost of the coupon "ODD"`}},
		{"a coupon of the shop's own", event("e", bellwether.Purchase, "s", 1, redeems("ODD")), 0, nil},
		{"no coupon", event("e", bellwether.Purchase, "s", 1, by("", "spring")), 0, nil},
		{"something else", event("e", bellwether.ViewItem, "s", 1, by("email", ""), costs(7)), 0, nil},
	} {
		var b bill
		p := catalogue()
		got := b.add(&c.event, &costsOf, &p)
		if math.Abs(got-c.want) > 1e-12 || math.Abs(b.spent-c.want) > 1e-12 {
			t.Errorf("%s: cost %g, spent %g, want %g", c.name, got, b.spent, c.want)
		}
		if diff := cmp.Diff(c.missing, b.unknown(bellwether.Money{}, &p)); diff != "" {
			t.Error(c.name, diff)
		}
	}
}

// costWorld is n people of whom the treated get a message with chance rate and, each, margin more; both arms get newsletters.
func costWorld(n int, rng *rand.Rand, lift, message, newsletter float64) []*history.Person {
	var people []*history.Person
	for i := range n {
		who := bellwether.Subject(fmt.Sprint(i))
		p := &history.Person{Subject: who, Bucket: bellwether.Buckets - 1}
		if i%5 == 0 {
			p.Bucket = 0
		}
		d := slate(fmt.Sprint("d", i), who, 0, "a")
		d.Holdout = p.Bucket == 0
		p.Decisions = []bellwether.Decision{d}
		send := func(name string, rate float64) {
			if rng.Float64() < rate {
				p.Events = append(p.Events, event(fmt.Sprint(name, i), bellwether.MessageSent, who, 1, costs(50)))
			}
		}
		send("news", newsletter)
		bought := 1000 * rng.ExpFloat64()
		if !d.Holdout {
			send("message", message)
			bought += lift * 100
		}
		p.Events = append(p.Events, event(fmt.Sprint("p", i), bellwether.Purchase, who, 2, item("a"), costs(300+int64(bought))))
		people = append(people, p)
	}
	return people
}

// TestReturnOnCost: each of the treated earns 1.00 more and gets a message of .50 with chance .6: the return is 1/.3 − 1. Newsletters
// that both arms get are no cost of the product. The 90 % interval covers.
func TestReturnOnCost(t *testing.T) {
	const worlds, truth = 200, 1/0.3 - 1
	rng := rand.New(rand.NewPCG(23, 1))
	covered, mean, caused, sent := 0.0, 0.0, 0.0, 0.0
	for range worlds {
		s := newStudy(t, StudyOptions{Join: options(1000), HoldoutShare: 0.2})
		addAll(t, s, costWorld(2000, rng, 1, 0.6, 0.5)...)
		r := reportOf(t, s, ReportInput{Level: 0.9})
		if len(r.Cost.ROI.Interval) != 2 {
			t.Fatalf("%+v", r.Cost)
		}
		mean += r.Cost.ROI.Value / worlds
		covered += indicator(r.Cost.ROI.Interval[0] <= truth && truth <= r.Cost.ROI.Interval[1]) / worlds
		caused, sent = caused+r.Cost.Caused/worlds, sent+r.Cost.Sent/worlds
	}
	if math.Abs(caused-1600*0.3) > 5 || math.Abs(sent-1600*0.3-2000*0.25) > 5 { // standard errors 1.5 and .8
		t.Errorf("caused %.1f of %.1f, want about 480 of 980", caused, sent)
	}
	if covered < 0.83 || covered > 0.97 {
		t.Errorf("90 %% interval covers %.3f", covered)
	}
	if math.Abs(mean-truth) > 0.25 {
		t.Errorf("the return averages %.2f, the truth is %.2f", mean, truth)
	}
}

// TestReturnIsWithheld with the name of what is missing, and without a number.
func TestReturnIsWithheld(t *testing.T) {
	sound := func() []*history.Person { return costWorld(500, rand.New(rand.NewPCG(29, 1)), 1, 0.6, 0) }
	all := func(change func(*bellwether.Event)) func([]*history.Person) {
		return func(people []*history.Person) {
			for _, p := range people {
				for i := range p.Events {
					change(&p.Events[i])
				}
			}
		}
	}
	for _, c := range []struct {
		name   string
		costs  Costs
		broken func([]*history.Person)
		want   string // in the reason; "": there is a number
	}{
		{"sound", Costs{}, nil, ""},
		{"with other costs", Costs{Other: euro(10_000)}, nil, ""},
		{"a message without a cost", Costs{}, func(p []*history.Person) {
			for i := range p[1].Events {
				if p[1].Events[i].Type == bellwether.MessageSent {
					p[1].Events[i].Price, p[1].Events[i].Channel = bellwether.Money{}, "sms"
				}
			}
			p[1].Events = append(p[1].Events, event("x", bellwether.MessageSent, p[1].Subject, 3, by("sms", "")))
		}, "the cost of a message by sms"},
		{"one sale in a currency without a rate", Costs{}, func(p []*history.Person) {
			francs(900)(&p[1].Events[len(p[1].Events)-1])
		}, "the exchange rate of CHF"},
		{"other costs in a currency without a rate", Costs{Other: bellwether.Money{Amount: 1, Currency: "CHF"}}, nil, "the exchange rate of CHF"},
		{"items without a cost", Costs{}, all(func(e *bellwether.Event) {
			if e.Type == bellwether.Purchase && len(e.ID)%2 == 0 {
				e.Item = "unknown"
			}
		}), `the cost of item "unknown"`},
		{"a single item without a cost", Costs{}, func(p []*history.Person) { p[1].Events[len(p[1].Events)-1].Item = "unknown" }, ""},
		{"nothing spent", Costs{}, all(func(e *bellwether.Event) {
			if e.Type == bellwether.MessageSent {
				e.Type = bellwether.MessageOpen
			}
		}), "nothing was spent"},
	} {
		people := sound()
		if c.broken != nil {
			c.broken(people)
		}
		s := newStudy(t, StudyOptions{Join: options(1000), HoldoutShare: 0.2, Costs: c.costs})
		addAll(t, s, people...)
		r := reportOf(t, s, ReportInput{})
		if c.want == "" {
			if len(r.Cost.ROI.Interval) != 2 || r.Cost.ROI.Withheld != "" {
				t.Errorf("%s: %+v", c.name, r.Cost)
			}
			continue
		}
		if !strings.Contains(r.Cost.ROI.Withheld, c.want) || r.Cost.ROI.Interval != nil || r.Cost.ROI.Value != 0 {
			t.Errorf("%s: %+v", c.name, r.Cost.ROI)
		}
	}
	s := newStudy(t, StudyOptions{Join: options(1000), HoldoutShare: 0.2})
	addAll(t, s, sound()...)
	if r := reportOf(t, s, ReportInput{Headline: Revenue}); r.Cost.ROI.Withheld == "" || r.Cost.ROI.Interval != nil {
		t.Errorf("a return on revenue: %+v", r.Cost.ROI)
	}
}

// TestExamplesAreTheSameInAnyOrder keeps the first names of the alphabet.
func TestExamplesAreTheSameInAnyOrder(t *testing.T) {
	list := strings.Split("g e a h b f d c a h", " ")
	for range 20 {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		var a, b examples
		for i, name := range list {
			if i%2 == 0 {
				a.add(name)
			} else {
				b.add(name)
			}
		}
		a.merge(b)
		if want := (examples{"a", "b", "c", "d", "e"}); !slices.Equal(a, want) {
			t.Errorf("%v, want %v", a, want)
		}
	}
}
