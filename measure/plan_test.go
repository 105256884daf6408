package measure

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"bellwether"
	"bellwether/history"
)

// TestPlannerEqualsThePlainWay: margins of a person since From and before it, their spread and correlation in two passes.
func TestPlannerEqualsThePlainWay(t *testing.T) {
	rng := rand.New(rand.NewPCG(53, 1))
	o := PlanOptions{Relative: 0.5, From: epoch.Add(1000 * hour), AsOf: epoch.Add(1500 * hour), Coming: 2000 * hour, Prices: catalogue()}
	var y, x []float64
	root := newPlanner(t, o)
	part := root.Fork()
	for i := range 500 {
		p := someone(nil)
		var before, since float64
		taste := rng.ExpFloat64()
		for k := range rng.IntN(12) {
			at, price := rng.IntN(1600), int64(300+1000*taste*rng.ExpFloat64())
			e := event("e"+string(rune('a'+k)), bellwether.Purchase, "s", at, item("a"), costs(price))
			switch margin := float64(price-300) / 100; {
			case at >= 1500:
			case at >= 1000:
				since += margin
			case at >= 1000-28*24:
				before += margin
			}
			p.Events = append(p.Events, e)
		}
		late := event("late", bellwether.Purchase, "s", 1200, item("a"), costs(90000), arrives(400))
		p.Events = append(p.Events, late)
		y, x = append(y, since), append(x, before)
		addAll(t, map[bool]history.Reducer{true: root, false: part}[i%2 == 0], p)
	}
	if err := root.Merge(part); err != nil {
		t.Fatal(err)
	}
	addAll(t, root, someone(nil)) // did nothing: not counted
	if err := root.Done(); err != nil {
		t.Fatal(err)
	}
	got, err := root.Plan()
	if err != nil {
		t.Fatal(err)
	}
	a, b := describe(y), describe(x)
	xy := 0.0
	for i := range y {
		xy += (y[i] - a.mean) * (x[i] - b.mean) / 499
	}
	rho, longer := xy/math.Sqrt(a.variance*b.variance), 4.0
	want := Plan{
		Metric: Margin, Effect: 0.5 * a.mean * longer, People: 500,
		Power: Power{SD: math.Sqrt(a.variance) * longer * math.Sqrt(rho+(1-rho)/longer), Correlation: rho, Power: 0.9},
	}
	want.Share, err = want.HoldoutShare(want.Effect, want.People)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]float64{{got.Effect, want.Effect}, {got.SD, want.SD}, {got.Correlation, want.Correlation}, {got.Share, want.Share}} {
		if math.Abs(c[0]-c[1]) > 1e-9*math.Abs(c[1]) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if got.Metric != Margin || got.People != 500 || got.Power.Power != 0.9 || rho < 0.2 {
		t.Errorf("got %+v, correlation %.2f", got, rho)
	}
	if err := root.Merge(newStudy(t, StudyOptions{Join: options(1)})); err == nil {
		t.Error("a planner took in a study")
	}
}

func newPlanner(t testing.TB, o PlanOptions) *Planner {
	t.Helper()
	p, err := NewPlanner(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlannerByRevenue(t *testing.T) {
	o := PlanOptions{Relative: 0.5, From: epoch, AsOf: epoch.Add(100 * hour), Coming: 100 * hour, Prices: Prices{Currency: "EUR"}}
	p := newPlanner(t, o)
	rng := rand.New(rand.NewPCG(59, 1))
	for range 400 {
		addAll(t, p, someone(nil, event("e", bellwether.Purchase, "s", 1, costs(int64(1000+rng.IntN(1000))))))
	}
	if got, err := p.Plan(); err != nil || got.Metric != Revenue || math.Abs(got.Effect-7.5) > 0.2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestPlannerSaysWhatIsMissing(t *testing.T) {
	sound := PlanOptions{Relative: 0.5, From: epoch, AsOf: epoch.Add(100 * hour), Coming: 100 * hour, Prices: catalogue()}
	for name, change := range map[string]func(*PlanOptions){
		"no effect":   func(o *PlanOptions) { o.Relative = 0 },
		"no from":     func(o *PlanOptions) { o.From = time.Time{} },
		"from is now": func(o *PlanOptions) { o.From = o.AsOf },
		"no coming":   func(o *PlanOptions) { o.Coming = 0 },
	} {
		o := sound
		change(&o)
		if _, err := NewPlanner(o); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	empty := newPlanner(t, sound)
	if _, err := empty.Plan(); err == nil {
		t.Error("a plan without anybody")
	}
	few := newPlanner(t, sound)
	for range 20 {
		addAll(t, few, someone(nil, event("e", bellwether.Purchase, "s", 1, item("a"), costs(int64(300+rand.IntN(10)*1000)))))
	}
	if plan, err := few.Plan(); err == nil || plan.People != 20 || plan.SD == 0 {
		t.Errorf("twenty people suffice: %+v, %v", plan, err)
	}
}
