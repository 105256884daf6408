package prepare

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"bellwether"
	"bellwether/store"
)

// dropDuplicates drops what repeats, under another id, the content of an event that was received before
// it. The order of receipt counts: else a late repetition would take the place of what was known in time.
func (c *cleaner) dropDuplicates() {
	duplicates := c.report.rule("duplicate")
	first, repeated := make(map[[16]byte]struct{}, len(c.events)), make([]bool, len(c.events))
	for _, i := range c.byReceipt() {
		key := contentKey(c.events[i])
		_, repeated[i] = first[key]
		first[key] = struct{}{}
	}
	c.keep(func(i int, e *bellwether.Event) bool {
		if repeated[i] {
			duplicates.drop(e.ID, func() string { return fmt.Sprintf("%s of %s %s %s", e.Type, sender(e), e.Item, e.Order) })
		}
		return !repeated[i]
	})
}

// byReceipt returns the events' places in the order of receipt; ties keep the log's order.
func (c *cleaner) byReceipt() []int32 {
	order := make([]int32, len(c.events))
	for i := range order {
		order[i] = int32(i)
	}
	byReceived := func(a, b int32) int { return c.events[a].Received.Compare(c.events[b].Received) }
	if !slices.IsSortedFunc(order, byReceived) {
		slices.SortStableFunc(order, byReceived)
	}
	return order
}

// contentKey is a digest of what an event says, apart from its id, its receipt and the fraction of its
// second; where it belongs to an order, apart from its time.
func contentKey(e bellwether.Event) [16]byte {
	id := e.ID
	e.ID, e.Received, e.Occurred = "", time.Time{}, e.Occurred.Truncate(time.Second)
	if e.Order != "" {
		e.Occurred = time.Time{}
	}
	content, err := store.Encode(&e)
	if err != nil { // cannot be, since the event is valid; it equals nothing but itself
		content = []byte(id)
	}
	sum := sha256.Sum256(content)
	return [16]byte(sum[:])
}
