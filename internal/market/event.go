package market

import (
	"time"

	"bellwether"
)

// Event is one thing that a customer did.
type Event struct {
	Type      bellwether.EventType
	Customer  int // index in World.Customers
	Day       int
	Second    int   // of the day
	Item      int   // index in World.Items; −1: none
	Quantity  int64 // 0: not said
	Position  int   // place in the slate, from 1; 0: not from a slate
	Slate     bool  // answers the slate of this visit
	Campaign  bool  // answers the campaign contact of this day
	Anonymous bool  // before signing in
	Value     float64
	Order     string
}

// Occurred is the moment of the event. Customers act at different milliseconds of a second, so that ties are rare.
func (e *Event) Occurred() time.Time {
	return Time(e.Day, e.Second).Add(time.Duration(e.Customer%1000) * time.Millisecond)
}

// Margin is what the purchases among events earned, in minor units.
func (w *World) Margin(events []Event) int64 {
	sum := int64(0)
	for i := range events {
		if e := &events[i]; e.Type == bellwether.Purchase {
			sum += e.Quantity * w.Items[e.Item].Margin()
		}
	}
	return sum
}

// Revenue is what the purchases among events cost their buyers, in minor units.
func (w *World) Revenue(events []Event) int64 {
	sum := int64(0)
	for i := range events {
		if e := &events[i]; e.Type == bellwether.Purchase {
			sum += e.Quantity * w.Items[e.Item].Price.Amount
		}
	}
	return sum
}
