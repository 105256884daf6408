package market

import (
	"fmt"
	"strings"

	"bellwether"
)

const (
	categories = 12
	brands     = 8
	attributes = 10
	words      = 2000 // of the vocabulary of titles
	reference  = 2.0  // the price, in major units, that costs no utility
)

var (
	categoryNames  = [categories]string{"lamp", "kettle", "backpack", "jacket", "notebook", "headphones", "tent", "chair", "blender", "watch", "puzzle", "planter"}
	brandNames     = [brands]string{"Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Rival North", "Rival South"}
	attributeNames = [attributes]string{"organic", "compact", "wireless", "recycled", "handmade", "waterproof", "foldable", "premium", "quiet", "vintage"}
)

// Item is a thing for sale with what only the world knows of it.
type Item struct {
	bellwether.Item
	Category int
	Launch   int // day on which it is first on sale

	vector vector
	appeal float64 // w·attributes + .5·quality
	price  float64 // ln(price/reference)
}

// Margin is what one piece earns, in minor units.
func (j *Item) Margin() int64 { return j.Price.Amount - j.Cost.Amount }

func (w *World) makeItems() {
	d := w.draws(0, 0)
	var centroids [categories]vector
	for c := range categories {
		centroids[c] = d.vector(ofItem, c*dimensions, .4)
	}
	zipf := newZipf(words)
	w.Items = make([]Item, w.Preset.Items)
	for j := range w.Items {
		w.Items[j] = w.makeItem(j, &centroids, zipf)
	}
}

func (w *World) makeItem(j int, centroids *[categories]vector, zipf zipf) Item {
	d := w.draws(j+1, 0)
	c, brand := int(d.uniform(ofItem, 0)*categories), int(d.uniform(ofItem, 1)*brands)
	it := Item{Category: c, vector: d.vector(ofItem, 10, .4)}
	for k := range it.vector {
		it.vector[k] += centroids[c][k]
	}
	price := 20 * max(1, int64(float64(5*exp(3+float64(.6*d.normal(ofItem, 2))))+.5)) // a multiple of 20 minor units
	cost := int64(float64(float64(price)*(.4+float64(.4*d.uniform(ofItem, 3)))) + .5)
	it.price = ln(float64(price) / (100 * reference))
	it.appeal = .5 * d.normal(ofItem, 4)
	if d.below(.1, ofItem, 5) {
		it.Launch = w.Days - 1 - int(d.uniform(ofItem, 6)*float64(w.Days)/5)
	}
	named := map[string]string{}
	var title []string
	for k := range attributes {
		if d.below(.3, ofItem, 100+k) {
			it.appeal += w.partWorths[k]
			named[attributeNames[k]] = "yes"
			title = append(title, attributeNames[k])
		}
	}
	title = append(title, brandNames[brand], categoryNames[c])
	for k := range 3 {
		title = append(title, word(zipf.rank(d.uniform(ofTitle, k))))
	}
	it.Item = bellwether.Item{
		ID: bellwether.ItemID(fmt.Sprintf("sku-%05d", j+1)), Title: strings.Join(title, " "),
		Category: categoryNames[c], Brand: brandNames[brand], Attributes: named,
		Price: bellwether.Money{Amount: price, Currency: Currency}, Cost: bellwether.Money{Amount: cost, Currency: Currency},
		From: Time(it.Launch, 0),
	}
	return it
}

// zipf holds the cumulative weights 1, 1/2, 1/3, ….
type zipf []float64

func newZipf(n int) zipf {
	z, sum := make(zipf, n), 0.0
	for k := range z {
		sum += 1 / float64(k+1)
		z[k] = sum
	}
	return z
}

// rank turns a uniform number into a rank from 0.
func (z zipf) rank(u float64) int {
	u *= z[len(z)-1]
	for k, sum := range z {
		if u < sum {
			return k
		}
	}
	return len(z) - 1
}

// word spells the word of a rank: three syllables, different for every rank.
func word(rank int) string {
	const consonants, vowels = "bdfgklmnprstvwz", "aeiou"
	const syllables = len(consonants) * len(vowels)
	n := (rank*7919 + 104729) % (syllables * syllables * syllables)
	var b strings.Builder
	for range 3 {
		s := n % syllables
		n /= syllables
		b.WriteByte(consonants[s/len(vowels)])
		b.WriteByte(vowels[s%len(vowels)])
	}
	return b.String()
}
