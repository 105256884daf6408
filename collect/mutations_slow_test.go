//go:build slow

package collect

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var mutations = flag.Int64("mutations", 10_000_000, "how many mutated requests and files TestMutations tries")

// TestMutations sends mutated requests and files through the parsers, all but one in a thousand into memory and
// those into a real store: nothing crashes, every message is accounted for, and each that is refused is in the dead
// letters with its reason.
func TestMutations(t *testing.T) {
	workers := runtime.GOMAXPROCS(0)
	var ran atomic.Int64
	var working sync.WaitGroup
	for w := range workers {
		real, _ := inStore(t)
		working.Go(func() {
			m := newMutator(uint64(w))
			for share := *mutations / int64(workers); share > 0 && !t.Failed(); {
				c, n := inMemory(), min(share, 200) // a fresh one, before its memory grows
				for range n {
					m.try(t, c)
				}
				m.try(t, real)
				holds(t, c, c.Totals(), -1)
				share -= n
				ran.Add(n + 1)
			}
			holds(t, real, real.Totals(), -1)
		})
	}
	working.Wait()
	t.Logf("%d mutated requests and files", ran.Load())
}

// mutator makes inputs from seeds. It is for one goroutine.
type mutator struct {
	rng     *rand.Rand
	formats []string
	parts   []string
}

func newMutator(seed uint64) *mutator {
	m := &mutator{rng: rand.New(rand.NewPCG(seed, 1)), parts: []string{
		`"`, `{`, `}`, `[`, `]`, `,`, `:`, `\`, "\n", "\t", "\x00", "\xff", "null", "1e999", "-1", "NaN", "9223372036854775808", `\ud800`, "userId", "timestamp",
		`"type":"track"`, "2026-02-30", "9999-12-31T23:59:59Z", ";", "price", "quantity", "\ufeff", "\u202e",
	}}
	for f := range fileSeeds {
		m.formats = append(m.formats, f)
	}
	slices.Sort(m.formats)
	return m
}

// try makes one input and tries it.
func (m *mutator) try(t *testing.T, c *Collector) {
	if m.rng.IntN(2) == 0 {
		path := []string{"/v1/track", "/v1/batch", "/v1/identify"}[m.rng.IntN(3)]
		tryBody(t, c, path, m.mutate(bodySeeds[m.rng.IntN(len(bodySeeds))]))
		return
	}
	format := m.formats[m.rng.IntN(len(m.formats))]
	seeds := fileSeeds[format]
	data := m.mutate(seeds[m.rng.IntN(len(seeds))])
	if m.rng.IntN(4) == 0 {
		format = ""
	}
	r, err := c.Import(t.Context(), strings.NewReader(string(data)), ImportOptions{Format: format, Name: "f"}, nil)
	if err == nil && r.Accepted+r.Duplicates+r.Rejected != r.Rows {
		t.Errorf("%s %q: %+v of %d rows", format, data, r.Result, r.Rows)
	}
}

// mutate changes a seed in one to six places.
func (m *mutator) mutate(seed string) []byte {
	b := []byte(seed)
	for range 1 + m.rng.IntN(6) {
		if len(b) == 0 {
			return b
		}
		at := m.rng.IntN(len(b))
		switch m.rng.IntN(6) {
		case 0:
			b[at] ^= 1 << m.rng.IntN(8)
		case 1:
			b[at] = byte(m.rng.Uint32())
		case 2:
			b = slices.Delete(b, at, min(len(b), at+1+m.rng.IntN(8)))
		case 3:
			part := m.parts[m.rng.IntN(len(m.parts))]
			b = slices.Insert(b, at, []byte(part)...)
		case 4:
			end := min(len(b), at+1+m.rng.IntN(20))
			b = slices.Insert(b, at, slices.Clone(b[at:end])...)
		case 5:
			b = b[:at]
		}
	}
	return b
}
