package neighbours

import (
	"bufio"
	"compress/gzip"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bellwether"
)

// sharedFile opens a file of ../shared/data beside the module, or skips.
func sharedFile(tb testing.TB, name string) *bufio.Scanner {
	tb.Helper()
	shared := os.Getenv("BELLWETHER_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(shared, "data", name))
	if err != nil {
		tb.Skipf("real data are absent: %v", err)
	}
	tb.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<20)
	return s
}

// readSequences reads a line of "user item item …" at a time; several lines of a user are joined.
func readSequences(tb testing.TB, name string) *bellwether.Sequences {
	tb.Helper()
	s, q := sharedFile(tb, name), newSequences()
	for s.Scan() {
		words := strings.Fields(s.Text())
		for _, item := range words[1:] {
			q.add(tb, words[0], item, 0)
		}
	}
	return q.leaveOneOut()
}

// readMovieLens reads the interactions in the order of time; ties keep file order.
func readMovieLens(tb testing.TB) *bellwether.Sequences {
	tb.Helper()
	s, q := sharedFile(tb, "sequences/ml-100k.inter.tsv.gz"), newSequences()
	var rows [][]string
	for s.Scan() {
		rows = append(rows, strings.Split(s.Text(), "\t"))
	}
	rows = rows[1:]
	when := func(r []string) float64 { v, _ := strconv.ParseFloat(r[3], 64); return v }
	slices.SortStableFunc(rows, func(a, b []string) int { return int(when(a) - when(b)) })
	for _, r := range rows {
		q.add(tb, r[0], r[1], int64(when(r)))
	}
	return q.leaveOneOut()
}

type sequences struct {
	bellwether.Sequences
	person map[string]int
}

func newSequences() *sequences { return &sequences{person: map[string]int{}} }

// add appends a step; items are numbered from 1 in the files.
func (q *sequences) add(tb testing.TB, user, item string, time int64) {
	n, err := strconv.Atoi(item)
	if err != nil {
		tb.Fatal(err)
	}
	p, ok := q.person[user]
	if !ok {
		p = len(q.Steps)
		q.person[user] = p
		q.Steps = append(q.Steps, nil)
	}
	q.Steps[p] = append(q.Steps[p], bellwether.Step{Item: int32(n - 1), Time: time})
	for len(q.Items) < n {
		q.Items = append(q.Items, bellwether.ItemID(strconv.Itoa(len(q.Items)+1)))
	}
}

// leaveOneOut fits all but the last two steps and asks for the last.
func (q *sequences) leaveOneOut() *bellwether.Sequences {
	q.Steps = slices.DeleteFunc(q.Steps, func(s []bellwether.Step) bool { return len(s) < 3 })
	for p, s := range q.Steps {
		q.TrainEnd = append(q.TrainEnd, len(s)-2)
		q.Test = append(q.Test, bellwether.Target{Person: int32(p), At: int32(len(s) - 1)})
	}
	return &q.Sequences
}

// rank returns HR@10 and NDCG@10 over all items but the history; ties take the mean rank.
func rank(tb testing.TB, m *Model, q *bellwether.Sequences) (hits, gain float64) {
	tb.Helper()
	out := [][]float32{make([]float32, len(q.Items))}
	for _, t := range q.Test {
		history, target := q.Steps[t.Person][:t.At], q.Steps[t.Person][t.At].Item
		if err := m.Score(tb.Context(), [][]bellwether.Step{history}, out); err != nil {
			tb.Fatal(err)
		}
		own := out[0][target]
		for _, s := range history {
			out[0][s.Item] = float32(math.Inf(-1))
		}
		out[0][target] = own
		above, tied := 0, -1
		for _, v := range out[0] {
			if v > own {
				above++
			} else if v == own {
				tied++
			}
		}
		if r := float64(above) + float64(tied)/2; r < 10 {
			hits++
			gain += 1 / math.Log2(r+2)
		}
	}
	n := float64(len(q.Test))
	return hits / n, gain / n
}
