package market

import (
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bellwether"
)

var update = flag.Bool("update", false, "write testdata/digests.txt anew")

func mustNew(t testing.TB, p Preset, seed uint64) *World {
	t.Helper()
	w, err := New(p, seed)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func mustPlay(t testing.TB, w *World, h Host) [][]Event {
	t.Helper()
	out, err := w.Play(h)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever changes a digest changes the specification: raise SpecVersion and run with -update.
func TestGoldenDigests(t *testing.T) {
	var got strings.Builder
	for _, p := range []Preset{Tiny(), Sized(300, 400, 365)} {
		for seed := uint64(1); seed <= 2; seed++ {
			w := mustNew(t, p, seed)
			digest, err := w.Digest()
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&got, w.Name(), digest)
		}
	}
	if *update {
		if err := os.WriteFile("testdata/digests.txt", []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/digests.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("digests differ (-want +got):\n%s", diff)
	}
}

func TestSameEventsWhateverTheParallelism(t *testing.T) {
	h := func() [][]Event {
		w := mustNew(t, Tiny(), 3)
		return mustPlay(t, w, Oracle{World: w, K: 10})
	}
	before := runtime.GOMAXPROCS(1)
	one := h()
	runtime.GOMAXPROCS(4)
	four := h()
	runtime.GOMAXPROCS(before)
	if diff := cmp.Diff(one, four); diff != "" {
		t.Errorf("GOMAXPROCS changes events:\n%.2000s", diff)
	}
}

func TestPairedRuns(t *testing.T) {
	w := mustNew(t, Tiny(), 4)
	best := Fixed{Items: w.Bestsellers(10)}
	a, b := mustPlay(t, w, best), mustPlay(t, w, best)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("the same slates give a difference:\n%.2000s", diff)
	}
	// Another slate on the last day leaves all days before as they were.
	c := mustPlay(t, w, lastDay{best, w.Days - 1})
	changed := 0
	for i := range a {
		ka, kc := before(a[i], w.Days-1), before(c[i], w.Days-1)
		if !cmp.Equal(a[i][:ka], c[i][:kc]) {
			t.Fatalf("customer %d: the last day's slate changed an earlier day", i)
		}
		if !cmp.Equal(a[i][ka:], c[i][kc:]) {
			changed++
		}
	}
	if changed == 0 {
		t.Error("no customer's last day depends on the slate")
	}
}

// before is the number of events before a day.
func before(events []Event, day int) int {
	n := 0
	for n < len(events) && events[n].Day < day {
		n++
	}
	return n
}

// lastDay shows the worst-selling items on one day.
type lastDay struct {
	Fixed
	day int
}

func (l lastDay) Slate(q Question) ([]int, error) {
	if q.Day == l.day {
		return []int{l.Items[9]}, nil
	}
	return l.Items, nil
}

func TestResponseKinds(t *testing.T) {
	want := [kinds]float64{.15, .20, .55, .10}
	var mean [kinds]float64
	const seeds = 10
	for seed := uint64(1); seed <= seeds; seed++ {
		w := mustNew(t, Sized(4000, 20, 10), seed)
		for i := range w.Customers {
			mean[w.Customers[i].Kind] += 1 / float64(len(w.Customers)*seeds)
		}
	}
	for k := range want {
		if math.Abs(mean[k]-want[k]) > .01 {
			t.Errorf("share of kind %d = %.3f, want %.2f ± .01", k, mean[k], want[k])
		}
	}
}

// A contact moves the purchases of a campaign day by each kind's effect, in a paired run.
func TestCampaignEffects(t *testing.T) {
	w := mustNew(t, Sized(6000, 40, 15), 5) // its only campaign day is day 14
	var bought, asked [kinds][2]float64
	for arm, contact := range []bool{false, true} {
		for i, events := range mustPlay(t, w, counting{Fixed{Contacts: contact}, &asked, arm, w, new(sync.Mutex)}) {
			for _, e := range events {
				if e.Type == bellwether.Purchase && strings.HasSuffix(e.Order, "-1") {
					bought[w.Customers[i].Kind][arm]++
				}
			}
		}
	}
	for k := range kinds {
		for arm := range 2 {
			p, n := response[k][arm], asked[k][arm]
			if got := bought[k][arm] / n; math.Abs(got-p) > 4*math.Sqrt(p*(1-p)/n) {
				t.Errorf("kind %d, arm %d: rate %.3f of %.0f, want %.2f", k, arm, got, n, p)
			}
		}
	}
}

// counting counts whom the campaign asked about, by kind and arm.
type counting struct {
	Fixed
	asked *[kinds][2]float64
	arm   int
	w     *World
	mu    *sync.Mutex // Play asks from several goroutines
}

func (c counting) Contact(q Question) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[c.w.Customers[q.Customer].Kind][c.arm]++
	return c.Contacts, nil
}
