package market

import (
	"math"
	"slices"
	"testing"

	"bellwether"
)

// tallyOf counts what is needed to check the rules of behaviour.
type tallyOf struct {
	types            map[bellwether.EventType]float64
	visits, orders   float64
	anonymous        float64 // visits that began so
	positions        [11]float64
	organic, onSlate float64 // views
	pieces, lines    float64
}

func countBehaviour(t *testing.T, w *World, days [][]Event) tallyOf {
	t.Helper()
	c := tallyOf{types: map[bellwether.EventType]float64{}}
	for _, events := range days {
		order := ""
		for _, e := range events {
			c.types[e.Type]++
			if e.Item >= 0 && w.Items[e.Item].Launch > e.Day && e.Position == 0 {
				t.Fatalf("item %d is met on day %d, before its launch on day %d", e.Item, e.Day, w.Items[e.Item].Launch)
			}
			switch {
			case e.Type == bellwether.ViewItemList:
				c.visits++
			case e.Type == bellwether.Identify && e.Anonymous:
				c.anonymous++
			case e.Type == bellwether.SelectItem:
				c.positions[e.Position]++
			case e.Type == bellwether.ViewItem && e.Slate:
				c.onSlate++
			case e.Type == bellwether.ViewItem && !e.Anonymous:
				c.organic++
			case e.Type == bellwether.Purchase:
				c.pieces += float64(e.Quantity)
				c.lines++
				if e.Order != order {
					order = e.Order
					c.orders++
				}
			}
		}
	}
	return c
}

func TestBehaviour(t *testing.T) {
	w := mustNew(t, Tiny(), 6)
	days := mustPlay(t, w, Fixed{Items: w.Bestsellers(10)})
	c := countBehaviour(t, w, days)
	events := 0
	for _, d := range days {
		events += len(d)
	}
	examined := [11]float64{}
	for p := 1; p <= 10; p++ {
		examined[p] = 1 / (1 + .5*float64(p-1))
	}
	for _, r := range []struct {
		name            string
		got, low, above float64
	}{
		{"events", float64(events), 30_000, 70_000},
		{"visits per customer and day", c.visits / float64(w.Preset.Customers*w.Days), .06, .14},
		{"views per visit", (c.onSlate + c.organic + c.anonymous) / c.visits, 3.9, 4.1},
		{"share of views from the slate", c.onSlate / (c.onSlate + c.organic), .385, .415},
		{"first place to third", c.positions[1] / c.positions[3], .85 * examined[1] / examined[3], 1.15 * examined[1] / examined[3]},
		{"first place to tenth", c.positions[1] / c.positions[10], .8 * examined[1] / examined[10], 1.25 * examined[1] / examined[10]},
		{"orders per visit", c.orders / c.visits, .2, .6},
		{"pieces per line", c.pieces / c.lines, 1.15, 1.4}, // an item that was carted twice is one line
		{"surveys per order", c.types[bellwether.Survey] / c.orders, .2, .45},
		{"visits that begin anonymously", c.anonymous / c.visits, .022, .038},
	} {
		if r.got < r.low || r.got > r.above {
			t.Errorf("%s = %.4g, want %.4g to %.4g", r.name, r.got, r.low, r.above)
		}
	}
}

// Order matters: knowing the category viewed last makes the next organic view likelier, and the oracle that knows
// it finds more of the next items than bestsellers do.
func TestOrderMattersAndOracleIsBest(t *testing.T) {
	w := mustNew(t, Sized(150, 200, 60), 7)
	best := w.Bestsellers(10)
	with, without, n := 0.0, 0.0, 0.0
	oracleHits, bestHits := 0.0, 0.0
	for i, events := range mustPlay(t, w, Fixed{}) {
		s := State{}
		for _, e := range events {
			if e.Type != bellwether.ViewItem {
				continue
			}
			p, blind := w.NextItem(i, e.Day, s), w.NextItem(i, e.Day, State{})
			with, without, n = with+math.Log(p[e.Item]), without+math.Log(blind[e.Item]), n+1
			if slices.Contains(top(p, 10), e.Item) {
				oracleHits++
			}
			if slices.Contains(best, e.Item) {
				bestHits++
			}
			s.Category = w.Items[e.Item].Category + 1
		}
	}
	if gain := (with - without) / n; gain < .1 {
		t.Errorf("the last category is worth %.3f nats a view, want .1 or more", gain)
	}
	if oracleHits < 1.5*bestHits {
		t.Errorf("oracle HR@10 %.3f, bestsellers' %.3f", oracleHits/n, bestHits/n)
	}
	t.Logf("HR@10 over %g organic views: oracle %.3f, bestsellers %.3f", n, oracleHits/n, bestHits/n)
}

// The oracle's probabilities are those by which customers choose.
func TestNextItemIsCalibrated(t *testing.T) {
	w := mustNew(t, Sized(400, 50, 40), 8)
	var expected, got [10]float64 // by decile of probability
	for i, events := range mustPlay(t, w, Fixed{}) {
		s := State{}
		for _, e := range events {
			if e.Type != bellwether.ViewItem {
				continue
			}
			for j, p := range w.NextItem(i, e.Day, s) {
				k := min(int(p*10), 9)
				expected[k] += p
				if j == e.Item {
					got[k]++
				}
			}
			s.Category = w.Items[e.Item].Category + 1
		}
	}
	for k := range expected {
		if math.Abs(got[k]-expected[k]) > 4*math.Sqrt(expected[k]+1) {
			t.Errorf("probabilities of %.1f–%.1f: %.0f views, expected %.1f", float64(k)/10, float64(k+1)/10, got[k], expected[k])
		}
	}
}

func TestCustomersAndItems(t *testing.T) {
	w := mustNew(t, Sized(5000, 400, 365), 9)
	var death, activity, subscribers float64
	var segment [segments]float64
	for i := range w.Customers {
		c := &w.Customers[i]
		death += c.death / 5000
		activity += c.activity / 5000
		segment[c.Segment] += 1.0 / 5000
		if c.Subscriber {
			subscribers += 1.0 / 5000
		}
	}
	if math.Abs(death-.8/4.8) > .01 || math.Abs(activity+2.2) > .05 || math.Abs(subscribers-.2) > .025 {
		t.Errorf("mean death %.3f, activity %.3f, subscribers %.3f", death, activity, subscribers)
	}
	for g := range segment {
		if math.Abs(segment[g]-segmentShares[g]) > .03 {
			t.Errorf("segment %d has share %.3f, want %.2f", g, segment[g], segmentShares[g])
		}
	}
	titles, cold := map[string]bool{}, 0
	for j := range w.Items {
		it := &w.Items[j]
		if err := it.Validate(); err != nil {
			t.Errorf("item %s: %v", it.ID, err)
		}
		if it.Margin() <= 0 || it.Price.Amount%20 != 0 {
			t.Errorf("item %s costs %v and sells at %v", it.ID, it.Cost, it.Price)
		}
		if it.Launch > 0 {
			cold++
			if it.Launch < w.Days*4/5-1 {
				t.Errorf("item %s is launched on day %d, before the last fifth", it.ID, it.Launch)
			}
		}
		titles[it.Title] = true
	}
	if cold < 20 || cold > 60 || len(titles) < 395 {
		t.Errorf("%d of 400 items are launched late, %d titles differ", cold, len(titles))
	}
}

func TestWordsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for k := range words {
		seen[word(k)] = true
	}
	if len(seen) != words {
		t.Errorf("%d words differ, want %d", len(seen), words)
	}
}

func TestNewRefusesAnEmptyWorld(t *testing.T) {
	if _, err := New(Preset{Name: "none"}, 1); err == nil {
		t.Error("no error")
	}
}
