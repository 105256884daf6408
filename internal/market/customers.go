package market

import (
	"fmt"

	"bellwether"
)

const segments = 6

var segmentShares = [segments]float64{.25, .20, .20, .15, .12, .08}

// Customer is a person with what only the world knows of them.
type Customer struct {
	ID         bellwether.Subject
	Segment    int
	Subscriber bool // leaves by cancelling, not by dying after a purchase
	Kind       Kind // latent response to a campaign
	Age        int  // band: 0 youngest – 4 oldest
	Region     int
	Device     string
	Source     string // how they were acquired

	taste       vector  // u_i
	sensitivity float64 // κ_i
	activity    float64 // a_i
	death       float64 // p_i
}

var (
	devices = []string{"phone", "desktop", "tablet"}
	sources = []string{"search", "social", "display", "video", "direct"}
)

func (w *World) makeCustomers() {
	regions := newZipf(w.Geos)
	w.Customers = make([]Customer, w.Preset.Customers)
	for i := range w.Customers {
		w.Customers[i] = w.makeCustomer(i, regions)
	}
}

func (w *World) makeCustomer(i int, regions zipf) Customer {
	d := w.draws(i, 0)
	g := d.pick(segmentShares[:], ofCustomer, 0)
	price, activity := d.normal(ofCustomer, 1), d.normal(ofCustomer, 2)
	c := Customer{
		ID: bellwether.Subject(fmt.Sprintf("c-%06d", i+1)), Segment: g,
		Subscriber: d.below(.2, ofCustomer, 3),
		taste:      d.vector(ofCustomer, 10, .6),
		// κ = exp(.3 + .3z)
		sensitivity: exp(.3 + float64(.3*price)),
		activity:    -2.2 + float64(.8*activity),
		death:       d.beta4(.8, ofCustomer, 20),
		Age:         int(d.uniform(ofTrait, 0) * (3 + float64(g%3))), // segments differ in age
		Region:      regions.rank(d.uniform(ofTrait, 1)),
		Device:      devices[d.pick([]float64{3 + float64(g%2), 2, 1}, ofTrait, 2)],
		Source:      sources[d.pick([]float64{3, 2 + float64(g%3), 1, 1, 2}, ofTrait, 3)],
	}
	for k := range c.taste {
		c.taste[k] += w.means[g][k]
	}
	c.Kind = d.kind(price, activity, c.Age)
	return c
}

// beta4 is Beta(a, 4): the product of independent Beta(a + k, 1), k = 0…3.
func (d draws) beta4(a float64, c component, index int) float64 {
	sum := 0.0
	for k := range 4 {
		sum += ln(d.uniform(c, index+k)) / (a + float64(k))
	}
	return exp(sum)
}

// Kind is a customer's latent response to a campaign.
type Kind int

// The four kinds.
const (
	Persuadable Kind = iota
	SureThing
	LostCause
	SleepingDog
	kinds
)

// response is the probability of buying on a campaign day without and with a contact, by kind.
var response = [kinds][2]float64{{.05, .20}, {.30, .30}, {.03, .03}, {.25, .10}}

// kind draws from a softmax in the customer's price sensitivity and activity (as z-scores) and age.
// The mean shares are 15, 20, 55 and 10 %.
func (d draws) kind(price, activity float64, age int) Kind {
	old := float64(age) - 1.5
	return Kind(d.pick([]float64{
		exp(-1.55 + float64(.8*price) - float64(.3*old)),
		exp(-1.23 + float64(.9*activity)),
		1,
		exp(-2.08 - float64(.6*price) + float64(.6*old)),
	}, ofCustomer, 30))
}

// Effect is the customer's τ: the change of the probability of buying on a campaign day that a contact brings
// when none was made in the last seven days.
func (c *Customer) Effect() float64 { return response[c.Kind][1] - response[c.Kind][0] }
