package market

import "slices"

// Fixed is a host that shows everybody the same slate and contacts everybody or nobody.
type Fixed struct {
	Items    []int
	Contacts bool
}

// Slate returns the fixed slate.
func (f Fixed) Slate(Question) ([]int, error) { return f.Items, nil }

// Contact returns the fixed choice.
func (f Fixed) Contact(Question) (bool, error) { return f.Contacts, nil }

// Bestsellers returns the k items of the first day that the average customer likes best: what a plain list
// of popular items converges to.
func (w *World) Bestsellers(k int) []int {
	sum := make([]float64, len(w.Items))
	for i := range min(len(w.Customers), 1000) {
		for j, p := range w.NextItem(i, 0, State{}) {
			sum[j] += p
		}
	}
	return top(sum, k)
}

// Oracle is the host that knows the true utilities: it shows each customer the k items of the highest next-item
// probability, and contacts those whom a contact makes likelier to buy.
type Oracle struct {
	World *World
	K     int
}

// Slate returns the K likeliest next items.
func (o Oracle) Slate(q Question) ([]int, error) {
	return top(o.World.NextItem(q.Customer, q.Day, q.State), o.K), nil
}

// Contact reports whether the customer's effect is positive.
func (o Oracle) Contact(q Question) (bool, error) {
	return o.World.Customers[q.Customer].Effect() > 0, nil
}

// top returns the indices of the k highest values, highest first, ties by index.
func top(values []float64, k int) []int {
	order := make([]int, len(values))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case values[a] > values[b]:
			return -1
		case values[a] < values[b]:
			return 1
		}
		return 0
	})
	return order[:min(k, len(order))]
}
