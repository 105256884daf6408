package measure

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"bellwether"
	"bellwether/history"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func newStudy(t testing.TB, o StudyOptions) *Study {
	t.Helper()
	s, err := NewStudy(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func addAll(t testing.TB, r history.Reducer, people ...*history.Person) {
	t.Helper()
	for _, p := range people {
		if err := r.Add(p); err != nil {
			t.Fatal(err)
		}
	}
}

func reportOf(t testing.TB, s *Study, in ReportInput) *Report {
	t.Helper()
	r, err := s.Report(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestStudyAddsPeopleUp: one treated and one held-out person, and what each did by span, worked out by hand.
func TestStudyAddsPeopleUp(t *testing.T) {
	held := slate("d3", "h", 10, "a")
	held.Holdout = true
	in := func(s string) func(*bellwether.Event) { return func(e *bellwether.Event) { e.Session = s } }
	treated := someone([]bellwether.Decision{slate("early", "s", -24*30, "a"), slate("d1", "s", 10, "a"), slate("d2", "s", 11, "b")},
		event("ages ago", bellwether.Purchase, "s", 9-28*24, item("a"), costs(7000)),
		event("before", bellwether.Purchase, "s", 10-28*24, item("a"), costs(1000)),
		event("click", bellwether.SelectItem, "s", 11, item("a"), in("v1")),
		event("buy", bellwether.Purchase, "s", 12, item("a"), costs(2000), in("v2")),
		event("sent", bellwether.MessageSent, "s", 12, costs(50)),
		event("stay", bellwether.Engagement, "s", 13, in("v2"), func(e *bellwether.Event) { e.Value = 30 }),
		event("answer", bellwether.Survey, "s", 14, func(e *bellwether.Event) { e.Value = 7 }),
		event("back", bellwether.Refund, "s", 79, item("b"), costs(500)),
		event("after", bellwether.Purchase, "s", 80, item("a"), costs(9000)),
	)
	holdout := someone([]bellwether.Decision{held},
		event("held", bellwether.Purchase, "h", 12, item("a"), costs(700)),
		event("unseen", bellwether.Purchase, "h", 13, item("a"), costs(700), arrives(200)))
	holdout.Subject, holdout.Bucket = "h", 0
	outsider := someone(nil, event("outsider", bellwether.Purchase, "u", 12, item("a"), costs(500)))

	s := newStudy(t, StudyOptions{Join: options(100), From: epoch, To: epoch.Add(80 * hour), HoldoutShare: 0.1})
	addAll(t, s, treated, holdout, outsider)
	var want [2]Person
	want[0].During = Totals{Decisions: 2, Clicked: 1, Orders: 1, Revenue: 15, Margin: 15, Seconds: 30, Sessions: 2, Answers: 1, Score: 7, Cost: 0.5}
	want[0].Before = Totals{Orders: 1, Revenue: 10, Margin: 7}
	want[1].During = Totals{Decisions: 1, Orders: 1, Revenue: 7, Margin: 4}
	for arm := range want {
		var v [2 * figures]float64
		want[arm].write(v[:])
		if diff := cmp.Diff(v[:], s.people.arms[arm].sums); diff != "" || s.people.arms[arm].n != 1 {
			t.Errorf("arm %d of %d: %s", arm, s.people.arms[arm].n, diff)
		}
	}
	r := reportOf(t, s, ReportInput{})
	if !r.From.Equal(epoch.Add(10*hour)) || r.Earned.Treated != 1 || r.Earned.Holdout != 1 || r.Survey.Mean.N != 1 || r.Survey.Mean.Value != 7 {
		t.Errorf("from %v, earned %+v, survey %+v", r.From, r.Earned, r.Survey.Mean)
	}
	if r.Counts.Decisions != 4 || r.Counts.NoDecision != 1 {
		t.Errorf("counts %+v", r.Counts)
	}
}

// crowdWorld is a shop of n people in two surfaces whose events and sums are whole numbers.
func crowdWorld(n int, seed uint64) []*history.Person {
	rng := rand.New(rand.NewPCG(seed, 77))
	var people []*history.Person
	for i := range n {
		s := bellwether.Subject(fmt.Sprintf("s%d", i))
		bucket := bellwether.HoldoutBucket("", s)
		p := &history.Person{Subject: s, Known: true, Bucket: bucket, Identities: []history.Identity{{ID: s, Parent: -1}}}
		for k := range rng.IntN(4) {
			at := 700 + rng.IntN(200)
			d := slate(fmt.Sprintf("%s-%d", s, k), s, at, "a", "b")
			if k == 1 {
				d = single(string(d.ID), s, at, "send")
				d.Evaluable, d.Propensity, d.Candidates[0].Propensity = true, 1, 1
			}
			d.Holdout = bucket < 2000
			p.Decisions = append(p.Decisions, d)
		}
		answer := float64(rng.IntN(11))
		for k := range rng.IntN(6) {
			kind := []bellwether.EventType{bellwether.SelectItem, bellwether.Purchase, bellwether.Survey, bellwether.Engagement, bellwether.MessageSent}[rng.IntN(5)]
			e := event(fmt.Sprintf("%s/%d", s, k), kind, s, 300+rng.IntN(700), item([]string{"a", "b"}[rng.IntN(2)]), costs(100*int64(4+rng.IntN(20))))
			e.Value = answer
			p.Events = append(p.Events, e)
		}
		slices.SortStableFunc(p.Decisions, func(a, b bellwether.Decision) int { return a.Time.Compare(b.Time) })
		slices.SortStableFunc(p.Events, func(a, b bellwether.Event) int { return a.Occurred.Compare(b.Occurred) })
		people = append(people, p)
	}
	return people
}

// lookUp finds people's decisions.
func lookUp(people []*history.Person) func(bellwether.DecisionID) (bellwether.Decision, bool, error) {
	all := map[bellwether.DecisionID]bellwether.Decision{}
	for _, p := range people {
		for _, d := range p.Decisions {
			all[d.ID] = d
		}
	}
	return func(id bellwether.DecisionID) (bellwether.Decision, bool, error) {
		d, ok := all[id]
		return d, ok, nil
	}
}

func asDocument(t testing.TB, r *Report) string {
	t.Helper()
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestStudyInParts: whichever way people are cut into parts, and in whichever order they come, whole numbers give the same
// document, bit for bit.
func TestStudyInParts(t *testing.T) {
	people := crowdWorld(600, 1)
	o := StudyOptions{Join: options(1500), HoldoutShare: 0.2, Sample: 50}
	in := ReportInput{Decision: lookUp(people), Targets: func(bellwether.Surface, []bellwether.Decision) ([]Target, error) {
		return []Target{{Name: "as logged", Distribution: asLogged}}, nil
	}}
	whole := newStudy(t, o)
	addAll(t, whole, people...)
	want := asDocument(t, reportOf(t, whole, in))
	rng := rand.New(rand.NewPCG(5, 1))
	for range 10 {
		rng.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
		root := newStudy(t, o)
		for rest := people; len(rest) > 0; {
			n := 1 + rng.IntN(len(rest))
			part := root.Fork()
			addAll(t, part, rest[:n]...)
			if err := root.Merge(part); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := root.Done(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, asDocument(t, reportOf(t, root, in))); diff != "" {
			t.Fatal(diff)
		}
	}
	if err := whole.Merge(&Planner{}); err == nil {
		t.Error("a study took in a planner")
	}
}

// asLogged is the policy that was followed.
func asLogged(d *bellwether.Decision) ([]float64, error) {
	p := make([]float64, len(d.Candidates))
	for i, c := range d.Candidates {
		p[i] = c.Propensity
	}
	return p, nil
}

// TestSettledOutcomesStandForDecisions: a turn settles outcomes; the next one, which has these in place of the decisions, makes
// the same report and settles them no more.
func TestSettledOutcomesStandForDecisions(t *testing.T) {
	people := crowdWorld(500, 2)
	in := ReportInput{Decision: lookUp(people)}
	done := map[bellwether.Subject][]bellwether.Outcome{}
	run := func(asOf int) string {
		o := StudyOptions{Join: options(asOf), HoldoutShare: 0.2}
		o.Settled = func(list []bellwether.Outcome) error {
			for _, x := range list {
				b, err := json.Marshal(x)
				if err != nil {
					return err
				}
				var back bellwether.Outcome // as the log gives it back
				if err := json.Unmarshal(b, &back); err != nil {
					return err
				}
				done[x.Subject] = append(done[x.Subject], back)
			}
			return nil
		}
		s := newStudy(t, o)
		addAll(t, s, people...)
		return asDocument(t, reportOf(t, s, in))
	}
	first := run(800 + 216) // about half of them are settled
	n := 0
	for _, p := range people {
		settled := done[p.Subject]
		p.Outcomes = settled
		p.Decisions = slices.DeleteFunc(p.Decisions, func(d bellwether.Decision) bool {
			return slices.ContainsFunc(settled, func(o bellwether.Outcome) bool { return o.Decision == d.ID })
		})
		n += len(settled)
	}
	if left := len(slices.Concat(decisionsOf(people)...)); n < 100 || left < 100 {
		t.Fatalf("%d settled, %d left: this world does not tell them apart", n, left)
	}
	clear(done)
	if diff := cmp.Diff(first, run(800+216)); diff != "" {
		t.Error(diff)
	}
	if len(done) > 0 {
		t.Errorf("outcomes of %d people were settled again", len(done))
	}
}

func decisionsOf(people []*history.Person) (out [][]bellwether.Decision) {
	for _, p := range people {
		out = append(out, p.Decisions)
	}
	return out
}

// TestStudyOverAHistory runs a study as a turn does, on a history, and compares with the plain way.
func TestStudyOverAHistory(t *testing.T) {
	var decisions []bellwether.Decision
	var events []bellwether.Event
	people := crowdWorld(300, 3)
	for _, p := range people {
		decisions, events = append(decisions, p.Decisions...), append(events, p.Events...)
		p.Bucket = bellwether.HoldoutBucket("memory", p.Subject)
	}
	for i := range decisions {
		decisions[i].Holdout = bellwether.HoldoutBucket("memory", decisions[i].Subject) < 2000
	}
	var items []bellwether.Item
	for _, it := range catalogue().Catalogue {
		items = append(items, *it)
	}
	h, err := history.FromEvents(events, decisions, items, history.Options{Currency: "EUR"}, epoch.Add(1500*hour))
	if err != nil {
		t.Fatal(err)
	}
	o := StudyOptions{Join: options(1500), HoldoutShare: 0.2}
	study, plain := newStudy(t, o), newStudy(t, o)
	if _, err := h.Pass(context.Background(), history.PassOptions{AsOf: o.Join.AsOf}, study); err != nil {
		t.Fatal(err)
	}
	i := 0
	for _, p := range people {
		for k := range p.Decisions {
			p.Decisions[k] = decisions[i]
			i++
		}
	}
	addAll(t, plain, people...)
	if diff := cmp.Diff(reportOf(t, plain, ReportInput{}), reportOf(t, study, ReportInput{}), cmpopts.EquateApprox(1e-9, 1e-9)); diff != "" {
		t.Error(diff)
	}
}

// TestLeavingCrossoversOutIsWrong: nothing has an effect; a tenth of people have a second device, which got decisions of its own
// bucket's arm before it was joined, and spend three times as much. In their first arm they change nothing; left out, they leave the
// small arm almost all and the large arm hardly, and an effect appears that is not there.
func TestLeavingCrossoversOutIsWrong(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 1))
	const n, share = 40_000, 0.05
	kept, without := newCrowd(), newCrowd()
	s := newStudy(t, StudyOptions{Join: options(1000), HoldoutShare: share})
	for i := range n {
		who := bellwether.Subject(fmt.Sprint(i))
		p := &history.Person{Subject: who, Bucket: rng.IntN(bellwether.Buckets), Identities: make([]history.Identity, 1)}
		first := slate(fmt.Sprint("d", i), who, 0, "a")
		first.Holdout = float64(p.Bucket) < share*bellwether.Buckets
		p.Decisions = append(p.Decisions, first)
		spend, crossed := rng.ExpFloat64()*1000, false
		if rng.Float64() < 0.1 {
			second := slate(fmt.Sprint("e", i), who, 1, "a")
			second.Holdout = rng.Float64() < share
			crossed = second.Holdout != first.Holdout
			p.Decisions, p.Identities = append(p.Decisions, second), make([]history.Identity, 2)
			spend *= 3
		}
		p.Events = []bellwether.Event{event(fmt.Sprint("p", i), bellwether.Purchase, who, 2, item("a"), costs(int64(spend)))}
		addAll(t, s, p)
		u := Person{Holdout: first.Holdout}
		u.During.Revenue = spend / 100
		kept.add(&u)
		if !crossed {
			without.add(&u)
		}
	}
	effect := func(c *crowd) bellwether.Estimate {
		return metric{"revenue", "", vRevenue, none, false}.effect(&c.arms, figures, 0.95).Relative
	}
	if e := effect(without); e.Interval[0] < 0.02 {
		t.Errorf("without crossovers the effect is %+.3f %.3f: this world does not tell them apart", e.Value, e.Interval)
	}
	if e := effect(kept); e.Interval[0] > 0 || e.Interval[1] < 0 {
		t.Errorf("with crossovers in their first arm the effect is %+.3f %.3f, the truth is 0", e.Value, e.Interval)
	}
	r := reportOf(t, s, ReportInput{})
	if got := r.Earned; math.Abs(float64(got.Crossover)-n*0.1*2*share*(1-share)) > 60 || got.Treated+got.Holdout != n {
		t.Errorf("%d of %d people counted as crossover", got.Crossover, got.Treated+got.Holdout)
	}
	if i := slices.IndexFunc(r.Effects, func(e Effect) bool { return e.Metric == "revenue" }); r.Effects[i].Relative.Interval[0] > 0 || r.Effects[i].Relative.Interval[1] < 0 {
		t.Errorf("the study's effect is %+v, the truth is 0", r.Effects[i].Relative)
	}
}

// TestABusySurfaceIsValued: a thousand decisions a day, and the newest thousand are all immature. The newest mature ones are valued.
func TestABusySurfaceIsValued(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	s := newStudy(t, StudyOptions{Join: options(24 * 10), Sample: 1000})
	var people []*history.Person
	var want []bellwether.DecisionID
	for i := range 10_000 {
		who := bellwether.Subject(fmt.Sprint(i))
		d := drawDecision(fmt.Sprintf("d%05d", i), "p/1", []float64{0.5, 0.5}, rng)
		d.Subject, d.Time = who, epoch.Add(hourOf(i))
		p := &history.Person{Subject: who, Bucket: bellwether.Buckets - 1, Decisions: []bellwether.Decision{d}}
		if !d.Time.Add(7 * 24 * hour).After(epoch.Add(24 * 10 * hour)) {
			want = append(want, d.ID)
		}
		people = append(people, p)
	}
	in := ReportInput{Decision: lookUp(people), Targets: func(bellwether.Surface, []bellwether.Decision) ([]Target, error) {
		return []Target{constant(0.3, 0.7)}, nil
	}}
	rng.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
	addAll(t, s, people...)
	if diff := cmp.Diff(want[len(want)-1000:], s.Sample("home").IDs()); diff != "" {
		t.Error(diff)
	}
	if r := reportOf(t, s, in); len(r.Policies) != 1 || r.Policies[0].N != 1000 || r.Policies[0].Logged.Interval == nil {
		t.Errorf("%+v", r.Policies)
	}
	if len(s.Sample("elsewhere").IDs()) > 0 {
		t.Error("a surface that is not there has a sample")
	}
}

// hourOf spreads a thousand decisions over each of ten days.
func hourOf(i int) (d time.Duration) { return time.Duration(i) * 24 * hour / 1000 }

// TestSampleGivesRewards as Join does.
func TestSampleGivesRewards(t *testing.T) {
	people := crowdWorld(400, 4)
	o := options(1500)
	s := newStudy(t, StudyOptions{Join: o, HoldoutShare: 0.2})
	addAll(t, s, people...)
	checked := 0
	for _, p := range people {
		settled, open, _ := settle(t, p, o)
		for _, x := range append(settled, open...) {
			for _, m := range rewardNames {
				r, ok := s.Sample(x.Surface).Reward(m)(x.Decision)
				if ok != !x.Holdout {
					t.Fatalf("%s: held out %v, in the sample %v", x.Decision, x.Holdout, ok)
				}
				if !ok {
					continue
				}
				if diff := cmp.Diff(RewardOf(&x, m), r); diff != "" {
					t.Fatal(m, diff)
				}
				checked++
			}
		}
	}
	if checked < 1000 {
		t.Errorf("%d rewards compared", checked)
	}
}

func TestStudyNeedsItsSettings(t *testing.T) {
	for _, o := range []StudyOptions{{}, {Join: options(1), HoldoutShare: 1}, {Join: options(1), HoldoutShare: -0.1}, {Join: options(1), HoldoutShare: math.NaN()}} {
		if _, err := NewStudy(o); err == nil {
			t.Errorf("%+v was accepted", o.HoldoutShare)
		}
	}
	broken := fmt.Errorf("disk full")
	s := newStudy(t, StudyOptions{Join: options(1000), Settled: func([]bellwether.Outcome) error { return broken }})
	if err := s.Add(someone([]bellwether.Decision{slate("d", "s", 0, "a")})); err != broken {
		t.Errorf("got %v", err)
	}
}

// BenchmarkStudy reports what a study costs an event, and keeps a person.
func BenchmarkStudy(b *testing.B) {
	people := crowdWorld(20_000, 6)
	events := 0
	for _, p := range people {
		events += len(p.Events)
	}
	var s *Study
	for b.Loop() {
		s = newStudy(b, StudyOptions{Join: options(1500), HoldoutShare: 0.2})
		addAll(b, s, people...)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
	b.ReportMetric(float64(32*(cap(s.people.money[0])+cap(s.people.money[1])))/float64(len(people)), "B/person")
}
