package market

import (
	"fmt"
	"time"

	"bellwether"
)

// SpecVersion is the version of the rules. Any change of what a seed gives raises it, and with it the golden digests.
const SpecVersion = 1

// Currency is the one that the market's prices are in.
const Currency bellwether.Currency = "EUR"

// Start is the midnight (UTC) at which day 0 begins.
var Start = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// Preset is the size of a world.
type Preset struct {
	Name          string
	Customers     int
	Items         int
	Days          int
	Geos          int
	CampaignEvery int // days between two campaign days
	Considered    int // items that a customer looks over before an organic view; 0: the whole shop
}

// Tiny is for unit tests: about 30,000 events in less than a second.
func Tiny() Preset {
	return Preset{Name: "tiny", Customers: 500, Items: 60, Days: 120, Geos: 4, CampaignEvery: 28}
}

// Small is for acceptance tests: about a million events.
func Small() Preset {
	return Preset{Name: "small", Customers: 5000, Items: 400, Days: 365, Geos: 20, CampaignEvery: 28}
}

// Sized is small with other numbers of customers, items and days. The name holds them.
func Sized(customers, items, days int) Preset {
	p := Small()
	p.Name = fmt.Sprintf("small-%dx%dx%d", customers, items, days)
	p.Customers, p.Items, p.Days = customers, items, days
	return p
}

// dimensions of tastes.
const dimensions = 8

type vector [dimensions]float64

func (v *vector) dot(u *vector) float64 {
	sum := 0.0
	for k, x := range v {
		sum += float64(x * u[k])
	}
	return sum
}

// World is one market. It is immutable and safe for concurrent use.
type World struct {
	Preset
	Seed      uint64
	Items     []Item
	Customers []Customer

	means      [segments]vector                // m_g
	partWorths [attributes]float64             // w
	transition [categories][categories]float64 // e^(G[before, next] + .8·1{next = before})
}

// New makes the world of a preset and a seed. Seeds 1–20 are for development, 101–200 for acceptance
// (nothing is tuned on them), 1001 and above for the demo.
func New(p Preset, seed uint64) (*World, error) {
	if p.Customers < 1 || p.Items < 1 || p.Days < 1 || p.Geos < 1 || p.CampaignEvery < 1 {
		return nil, fmt.Errorf("market: preset %q needs at least one customer, item, day, region and day between campaigns", p.Name)
	}
	w := &World{Preset: p, Seed: seed}
	d := w.draws(0, 0)
	for g := range segments {
		w.means[g] = d.vector(ofSegment, g*dimensions, 1)
	}
	for k := range attributes {
		w.partWorths[k] = .2 * d.normal(ofSegment, 1000+k)
	}
	for a := range categories {
		for b := range categories {
			g := float64(.8 * d.normal(ofTransition, a*categories+b))
			if a == b {
				g += .8
			}
			w.transition[a][b] = exp(g)
		}
	}
	w.makeItems()
	w.makeCustomers()
	return w, nil
}

// vector draws one with independent normal elements of the given scale.
func (d draws) vector(c component, index int, scale float64) (v vector) {
	for k := range v {
		v[k] = scale * d.normal(c, index+k)
	}
	return v
}

// Name identifies the world: market/<preset>/<seed>/<spec version>.
func (w *World) Name() string {
	return fmt.Sprintf("market/%s/%d/%d", w.Preset.Name, w.Seed, SpecVersion)
}

// Time is the moment of a second of a day.
func Time(day, second int) time.Time {
	return Start.Add(time.Duration(day)*24*time.Hour + time.Duration(second)*time.Second)
}

// Catalogue is what the shop sells, as records.
func (w *World) Catalogue() []bellwether.Item {
	out := make([]bellwether.Item, len(w.Items))
	for j := range w.Items {
		out[j] = w.Items[j].Item
	}
	return out
}
