package market

import "bellwether"

// Utilities returns U_ij without Gumbel noise and without what the category viewed before adds, by item;
// items that are not yet on sale have −∞ (a very negative number).
func (w *World) Utilities(i, day int) []float64 {
	out := make([]float64, len(w.Items))
	for j := range w.Items {
		out[j] = w.utility(i, j, day)
	}
	return out
}

// utility is Utilities of item j.
func (w *World) utility(i, j, day int) float64 {
	c, it := &w.Customers[i], &w.Items[j]
	if it.Launch > day {
		return unavailable
	}
	return c.taste.dot(&it.vector) + it.appeal - float64(c.sensitivity*it.price)
}

const unavailable = -1e9

// NextItem returns the probability, by item, that the customer's next view which no slate brought is of
// that item: softmax(U). This is the oracle that no model can beat.
func (w *World) NextItem(i, day int, s State) []float64 {
	u, sum := w.Utilities(i, day), 0.0
	for j := range u {
		u[j] = float64(exp(u[j]) * w.pull(s, j))
		sum += u[j]
	}
	for j := range u {
		u[j] /= sum
	}
	return u
}

// pull is e to what the category viewed before adds to the utility of item j.
func (w *World) pull(s State, j int) float64 {
	if s.Category == 0 {
		return 1
	}
	return w.transition[s.Category-1][w.Items[j].Category]
}

// visit is one visit while it is played.
type visit struct {
	*doing
	second    int
	anonymous bool
	exps      []float64 // e^utility by item; nil where few items are considered
	basket    []line
}

// begin makes the visit that starts at a second of the day.
func (d *doing) begin(second int) *visit {
	v := &visit{doing: d, second: second}
	if d.Considered == 0 {
		v.exps = d.Utilities(d.i, d.day)
		for j, u := range v.exps {
			v.exps[j] = exp(u)
		}
	}
	return v
}

func (v *visit) pass(seconds int) { v.second += seconds }

func (v *visit) add(e Event) {
	e.Anonymous = e.Anonymous || v.anonymous
	v.doing.add(e)
}

// view plays view k: 40 % come from the slate, if there is one, the others from the whole shop.
func (v *visit) view(k int, slate []int) {
	v.pass(15 + int(v.uniform(ofView, 4*k)*90))
	j, position := 0, 0
	if len(slate) > 0 && v.below(.4, ofView, 4*k+1) {
		position = 1 + v.examine(slate, k)
		j = slate[position-1]
		v.add(Event{Type: bellwether.SelectItem, Second: v.second, Item: j, Position: position, Slate: true})
		v.pass(1)
	} else {
		j = v.choose(k)
	}
	v.add(Event{Type: bellwether.ViewItem, Second: v.second, Item: j, Position: position, Slate: position > 0})
	u := v.utility(v.i, j, v.day) + ln(v.pull(v.s, j))
	v.s.Category = v.Items[j].Category + 1
	v.cart(k, j, position, u)
}

// choose draws an item of the whole shop, or of those that are considered, from softmax(U).
func (v *visit) choose(k int) int {
	if v.Considered > 0 {
		return v.consider(k, ofView, 4*k+2)
	}
	weights := make([]float64, len(v.exps))
	for j := range weights {
		weights[j] = v.exps[j] * v.pull(v.s, j)
	}
	return v.pick(weights, ofView, 4*k+2)
}

// examine draws a place of the slate in proportion to its examination.
func (v *visit) examine(slate []int, k int) int {
	weights := make([]float64, len(slate))
	for p := range weights {
		weights[p] = 1 / (1 + float64(.5*float64(p)))
	}
	return v.pick(weights, ofView, 4*k+2)
}

// cart plays what may follow the view of an item that has utility u.
func (v *visit) cart(k, j, position int, u float64) {
	if !v.below(sigmoid(u-2), ofCart, 3*k) || v.anonymous {
		return
	}
	v.pass(10)
	v.add(Event{Type: bellwether.AddToCart, Second: v.second, Item: j, Quantity: 1, Position: position, Slate: position > 0})
	if v.below(.45, ofCart, 3*k+1) {
		v.basket = collect(v.basket, line{item: j, quantity: 1 + int64(v.poisson(.15, ofCart, 3*k+2)), utility: u})
	}
}
