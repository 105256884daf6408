package measure

import (
	"math/rand/v2"
	"testing"

	"bellwether"
	"bellwether/history"
)

// TestStudyChecksFireInBrokenWorlds has one broken world a check of the study, and the sound world in which none fires.
func TestStudyChecksFireInBrokenWorlds(t *testing.T) {
	every := func(n int, change func(*history.Person)) func([]*history.Person) {
		return func(people []*history.Person) {
			for i := 0; i < len(people); i += n {
				change(people[i])
			}
		}
	}
	last := func(p *history.Person) *bellwether.Event { return &p.Events[len(p.Events)-1] }
	for _, c := range []struct {
		check  string // "": none
		want   Strength
		broken func([]*history.Person)
	}{
		{"", Passed, nil},
		{"decisions named by outcomes are in the log", Warning, every(1000, func(p *history.Person) { last(p).Decision = "lost" })},
		{"outcomes arrive in time", Warning, every(20, func(p *history.Person) { arrives(49)(last(p)) })},
		{"", Passed, every(300, func(p *history.Person) { arrives(49)(last(p)) })},
		{"refunds come while the sale can change", Warning, every(20, func(p *history.Person) {
			last(p).Order = "o"
			back := event("r"+string(p.Subject), bellwether.Refund, p.Subject, 200, item("a"), costs(100), inOrder("o"))
			p.Events = append(p.Events, back)
		})},
		{"", Passed, every(20, func(p *history.Person) {
			last(p).Order = "o"
			p.Events = append(p.Events, event("r"+string(p.Subject), bellwether.Refund, p.Subject, 100, item("a"), costs(100), inOrder("o")))
		})},
		{"outcomes are settled by one rule", Warning, every(1000, func(p *history.Person) {
			p.Outcomes = []bellwether.Outcome{{Decision: p.Decisions[0].ID, Time: p.Decisions[0].Time, Rule: "first-touch, click 1 d", Matured: true}}
			p.Decisions = nil
		})},
		{"every sale has an exchange rate", Withheld, every(1000, func(p *history.Person) { francs(900)(last(p)) })},
		{"every item sold has a cost", Warning, every(1000, func(p *history.Person) { last(p).Item = "unknown" })},
		{"people stay in one arm", Warning, every(20, func(p *history.Person) {
			d := slate("again"+string(p.Subject), p.Subject, 3, "a")
			d.Holdout = !p.Decisions[0].Holdout
			p.Decisions = append(p.Decisions, d)
		})},
		{"", Passed, every(300, func(p *history.Person) {
			d := slate("again"+string(p.Subject), p.Subject, 3, "a")
			d.Holdout = !p.Decisions[0].Holdout
			p.Decisions = append(p.Decisions, d)
		})},
		{"decisions follow the buckets", Failed, every(20, func(p *history.Person) { p.Decisions[0].Holdout = !p.Decisions[0].Holdout })},
		{"", Passed, every(300, func(p *history.Person) { p.Decisions[0].Holdout = !p.Decisions[0].Holdout })},
		{"", Passed, every(300, func(p *history.Person) { // a second device explains it
			p.Decisions[0].Holdout, p.Identities = !p.Decisions[0].Holdout, make([]history.Identity, 2)
		})},
	} {
		people := costWorld(1000, rand.New(rand.NewPCG(31, 1)), 1, 0.6, 0)
		if c.broken != nil {
			c.broken(people)
		}
		s := newStudy(t, StudyOptions{Join: options(1000), HoldoutShare: 0.2})
		addAll(t, s, people...)
		r := reportOf(t, s, ReportInput{})
		for _, got := range r.Checks {
			if got.Name == c.check && got.Strength != c.want || got.Name != c.check && got.Strength == Failed {
				t.Errorf("in the world of %q: %+v", c.check, got)
			}
			if c.check == "" && got.Strength != Passed {
				t.Errorf("a false alarm: %+v", got)
			}
		}
		if c.check != "" && strength(r.Checks, c.check) == "absent" {
			t.Errorf("no check %q", c.check)
		}
		if hidden := c.want == Failed; hidden != (r.Earned.Total.Interval == nil) || hidden != (r.Hidden != "") || hidden != (r.Cost.ROI.Interval == nil && c.want != Withheld) {
			t.Errorf("in the world of %q: hidden %q, earned %+v", c.check, r.Hidden, r.Earned.Total)
		}
		if withheld := c.want == Withheld; withheld != (r.Earned.Total.Interval != nil && r.Earned.Total.Withheld != "") {
			t.Errorf("in the world of %q: %+v", c.check, r.Earned.Total)
		}
	}
}

// TestDecisionsBeforeTheComparisonAreKnown: outcomes that name a decision from before the comparison's start, or about somebody else,
// are no sign of a log that is cut off.
func TestDecisionsBeforeTheComparisonAreKnown(t *testing.T) {
	p := someone([]bellwether.Decision{slate("d0", "s", 0, "a"), slate("d1", "s", 50, "a")},
		event("e", bellwether.SelectItem, "s", 1, item("a"), names("d0")),
		event("f", bellwether.SelectItem, "s", 51, item("a"), names("theirs")))
	o := options(1000)
	o.Known = func(id bellwether.DecisionID) (bool, error) { return id == "theirs", nil }
	s := newStudy(t, StudyOptions{Join: o, From: epoch.Add(40 * hour)})
	addAll(t, s, p)
	if c := s.Counts(); c.Unknown != 0 || c.Elsewhere != 1 || c.Credited != 1 || c.Decisions != 2 {
		t.Errorf("%+v", c)
	}
	if got := s.people.arms[0].sums[vDecisions]; got != 1 {
		t.Errorf("%g decisions in the comparison, want 1", got)
	}
}
