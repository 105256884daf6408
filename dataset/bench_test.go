package dataset

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"bellwether"
	"bellwether/history"
)

// crowd are people with ten events each over 20,000 items, as a pass hands them out.
func crowd(n int) (people []*history.Person) {
	rng := rand.New(rand.NewPCG(5, 6))
	kinds := []bellwether.EventType{bellwether.ViewItem, bellwether.ViewItem, bellwether.AddToCart, bellwether.Purchase, bellwether.PageView}
	for i := range n {
		p := &history.Person{Subject: bellwether.Subject(fmt.Sprintf("customer-%09d", i)), Owners: make([]int32, 10)}
		p.Identities = []history.Identity{{ID: p.Subject, Parent: -1}}
		at := day(rng.IntN(50))
		for range 10 {
			at = at.Add(time.Duration(rng.IntN(86400)) * time.Second)
			e := view(string(p.Subject), fmt.Sprint("item-", rng.IntN(20_000)), at)
			e.Type, e.Channel, e.Session = kinds[rng.IntN(len(kinds))], "email", fmt.Sprint(i, "-", rng.IntN(3))
			p.Events = append(p.Events, e)
		}
		people = append(people, p)
	}
	return people
}

func benchmarkPass(b *testing.B, reducer func() history.Reducer) {
	people := crowd(20_000)
	for b.Loop() {
		r := reducer()
		for _, p := range people {
			if err := r.Add(p); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Done(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200_000, "ns/event")
}

func BenchmarkSequences(b *testing.B) {
	benchmarkPass(b, func() history.Reducer {
		return NewSequences(SequenceOptions{Collapse: true, Unprompted: true, Currency: "EUR"})
	})
}

func BenchmarkCustomers(b *testing.B) {
	benchmarkPass(b, func() history.Reducer { return NewCustomers(TableOptions{AsOf: day(90), Currency: "EUR"}) })
}
