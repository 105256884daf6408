package dataset

import (
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	"bellwether"
)

// hashedWidth is the number of sums that an item's words are hashed to.
const hashedWidth = 128

// Describe adds to q what the catalogue says of its items: their categories, and their content vectors.
func Describe(q *bellwether.Sequences, catalogue map[bellwether.ItemID]*bellwether.Item) {
	items := make([]*bellwether.Item, len(q.Items))
	categories, some := make([]string, len(q.Items)), false
	for i, id := range q.Items {
		if it := catalogue[id]; it != nil {
			items[i], categories[i] = it, it.Category
			some = some || it.Category != ""
		}
	}
	if some {
		q.Categories = categories
	}
	q.Content = content(items)
}

// content returns what items are like, [items, width], nil for nothing: first their words by feature
// hashing (Weinberger et al. 2009), then their imported vectors, each part of length 1 or 0. Words are
// weighted by (1 + ln tf)·ln(1 + n/df). An imported vector of another width than most is left out.
func content(items []*bellwether.Item) []float32 {
	frequency, described := map[string]float64{}, 0
	for _, it := range items {
		said := words(it)
		if len(said) > 0 {
			described++
		}
		for w := range said {
			frequency[w]++
		}
	}
	imported := commonWidth(items)
	if described == 0 && imported == 0 {
		return nil
	}
	width := hashedWidth + imported
	out := make([]float32, len(items)*width)
	for i, it := range items {
		row := out[i*width : (i+1)*width]
		said := words(it)
		for _, w := range slices.Sorted(maps.Keys(said)) {
			place, sign := hashWord(w)
			row[place] += sign * float32((1+math.Log(said[w]))*math.Log(1+float64(described)/frequency[w]))
		}
		normalise(row[:hashedWidth])
		if it != nil && len(it.Features) == imported {
			normalise(row[hashedWidth:][:copy(row[hashedWidth:], it.Features)])
		}
	}
	return out
}

// words counts what is said of an item: each word and each two that follow each other in title and text,
// category, brand and attributes as wholes.
func words(it *bellwether.Item) map[string]float64 {
	if it == nil {
		return nil
	}
	out := map[string]float64{}
	for _, text := range []string{it.Title, it.Text} {
		last := ""
		for w := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			out[w]++
			if last != "" {
				out[last+" "+w]++
			}
			last = w
		}
	}
	whole := func(name, value string) {
		if value != "" {
			out[name+"="+strings.ToLower(value)]++
		}
	}
	whole("category", it.Category)
	whole("brand", it.Brand)
	for name, value := range it.Attributes {
		whole("attribute "+name, value)
	}
	return out
}

// hashWord returns which sum a word is a part of, and whether it is added or subtracted.
func hashWord(w string) (place int, sign float32) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(w))
	x := h.Sum64()
	x ^= x >> 32
	return int(x % hashedWidth), 1 - 2*float32(x/hashedWidth%2)
}

// commonWidth is the width that most imported vectors have, the lesser of two; 0 without any.
func commonWidth(items []*bellwether.Item) int {
	count, best := map[int]int{}, 0
	for _, it := range items {
		if it != nil && len(it.Features) > 0 {
			count[len(it.Features)]++
		}
	}
	for _, width := range slices.Sorted(maps.Keys(count)) {
		if best == 0 || count[width] > count[best] {
			best = width
		}
	}
	return best
}

// normalise makes v of length 1, unless it is 0.
func normalise(v []float32) {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range v {
		v[i] *= scale
	}
}
