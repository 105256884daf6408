package dataset

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// index numbers names as they are seen; each has the earliest time at which it was.
type index[K ~string] struct {
	numbers map[K]int32
	names   []K
	first   []int64
}

// see returns the number of a name.
func (x *index[K]) see(name K, at int64) int32 {
	n, ok := x.numbers[name]
	if !ok {
		if x.numbers == nil {
			x.numbers = map[K]int32{}
		}
		n, name = int32(len(x.names)), K(strings.Clone(string(name)))
		x.numbers[name] = n
		x.names, x.first = append(x.names, name), append(x.first, at)
	}
	x.first[n] = min(x.first[n], at)
	return n
}

// merge takes in the names of next and returns their numbers here.
func (x *index[K]) merge(next *index[K]) []int32 {
	out := make([]int32, len(next.names))
	for i, name := range next.names {
		out[i] = x.see(name, next.first[i])
	}
	return out
}

// byTime returns at most n numbers, earliest first, those of one moment by name.
func (x *index[K]) byTime(n int, kept func(int32) bool) []int32 {
	order := make([]int32, 0, len(x.names))
	for i := range x.names {
		if kept == nil || kept(int32(i)) {
			order = append(order, int32(i))
		}
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(x.first[a], x.first[b]), cmp.Compare(x.names[a], x.names[b]))
	})
	return order[:min(n, len(order))]
}

// vocabulary returns the names in an order, and by number their place in it, from first on; others get other.
func (x *index[K]) vocabulary(order []int32, first, other int32) (names []K, places []int32) {
	places = make([]int32, len(x.names))
	for i := range places {
		places[i] = other
	}
	for place, n := range order {
		names = append(names, x.names[n])
		places[n] = first + int32(place)
	}
	return names, places
}

// rareCampaign is the number of events below which a campaign has no place in the vocabulary.
const rareCampaign = 5

// campaigns is an index of names that counts up to rareCampaign: first is the time by which a name was seen so often.
type campaigns[K ~string] struct {
	index[K]
	times [][rareCampaign]int64 // by number: the earliest ones, in order
}

func (x *campaigns[K]) see(name K, at int64) int32 {
	n := x.index.see(name, math.MaxInt64)
	if int(n) == len(x.times) {
		var never [rareCampaign]int64
		for i := range never {
			never[i] = math.MaxInt64
		}
		x.times = append(x.times, never)
	}
	t := &x.times[n]
	if last := rareCampaign - 1; at < t[last] {
		t[last] = at
		slices.Sort(t[:])
	}
	x.first[n] = t[rareCampaign-1]
	return n
}

func (x *campaigns[K]) merge(next *campaigns[K]) []int32 {
	out := make([]int32, len(next.names))
	for i, name := range next.names {
		for _, at := range next.times[i] {
			out[i] = x.see(name, at)
		}
	}
	return out
}

// often reports whether a name was seen rareCampaign times.
func (x *campaigns[K]) often(n int32) bool { return x.first[n] < math.MaxInt64 }
