package sequence

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bellwether"
	"bellwether/internal/modeltest"
)

// leaveOneOut reads lines of "user item item …", or of "user item", and keeps each
// user's last item for the test and the one before for validation.
func leaveOneOut(t testing.TB, name string) *bellwether.Dataset {
	t.Helper()
	f, err := os.Open(modeltest.Shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	q, people, items := &bellwether.Sequences{}, map[string]int{}, map[string]int32{}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		p, ok := people[fields[0]]
		if !ok {
			p = len(q.Steps)
			people[fields[0]] = p
			q.People, q.Steps = append(q.People, bellwether.Subject(fields[0])), append(q.Steps, nil)
		}
		for _, item := range fields[1:] {
			i, ok := items[item]
			if !ok {
				i = int32(len(q.Items))
				items[item] = i
				q.Items = append(q.Items, bellwether.ItemID(item))
			}
			q.Steps[p] = append(q.Steps[p], bellwether.Step{Item: i, Time: int64(len(q.Steps[p]))})
		}
	}
	return leaveOut(q)
}

// leaveOut keeps each person's last item for the test and the one before for validation.
func leaveOut(q *bellwether.Sequences) *bellwether.Dataset {
	for p, steps := range q.Steps {
		n := len(steps)
		if n < 3 {
			q.TrainEnd = append(q.TrainEnd, 0)
			continue
		}
		q.TrainEnd = append(q.TrainEnd, n-2)
		q.Validation = append(q.Validation, bellwether.Target{Person: int32(p), At: int32(n - 2)})
		q.Test = append(q.Test, bellwether.Target{Person: int32(p), At: int32(n - 1)})
	}
	return &bellwether.Dataset{Digest: strconv.Itoa(q.Count()), Sequences: q}
}

// movieLens reads MovieLens 100k in the order of time, ties in the order of the file.
func movieLens(t testing.TB) *bellwether.Dataset {
	t.Helper()
	f, err := os.Open(modeltest.Shared(t, "sequences/ml-100k.inter.tsv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	q, people, items := &bellwether.Sequences{}, map[string]int{}, map[string]int32{}
	lines := bufio.NewScanner(z)
	lines.Scan() // header
	for lines.Scan() {
		fields := strings.Fields(lines.Text()) // user, item, rating, time
		if _, ok := people[fields[0]]; !ok {
			people[fields[0]] = len(q.Steps)
			q.Steps = append(q.Steps, nil)
		}
		if _, ok := items[fields[1]]; !ok {
			items[fields[1]] = int32(len(q.Items))
			q.Items = append(q.Items, bellwether.ItemID(fields[1]))
		}
		at, err := strconv.ParseInt(fields[3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		p := people[fields[0]]
		q.Steps[p] = append(q.Steps[p], bellwether.Step{Item: items[fields[1]], Time: at})
	}
	for _, steps := range q.Steps {
		slices.SortStableFunc(steps, func(a, b bellwether.Step) int { return cmp.Compare(a.Time, b.Time) })
	}
	return leaveOut(q)
}

// BenchmarkBeautyStep is a training step of the preset "base" on Amazon Beauty.
func BenchmarkBeautyStep(b *testing.B) {
	r, err := Trainer{Seed: 42}.prepare(leaveOneOut(b, "sequences/amazon-beauty.txt.gz"))
	if err != nil {
		b.Fatal(err)
	}
	fit, err := r.plan(&bellwether.Dataset{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	step := 0
	for b.Loop() {
		step++
		fit.Params.ZeroGrad()
		fit.Params.Pack()
		if _, err := r.batch(0, step%fit.Batches, step); err != nil {
			b.Fatal(err)
		}
		fit.Params.GradNorm()
		fit.Optimizer.Step(step, 1e-3)
	}
	b.ReportMetric(float64(r.model.settings.Batch)*float64(b.N)/b.Elapsed().Seconds(), "people/s")
}

// BenchmarkScoreOne is one person's scores over Beauty's items.
func BenchmarkScoreOne(b *testing.B) {
	d := leaveOneOut(b, "sequences/amazon-beauty.txt.gz")
	r, err := Trainer{}.prepare(d)
	if err != nil {
		b.Fatal(err)
	}
	r.model.pack()
	history, out := [][]bellwether.Step{d.Sequences.Steps[0]}, [][]float32{make([]float32, len(d.Sequences.Items))}
	b.ReportAllocs()
	for b.Loop() {
		if err := r.model.Score(context.Background(), history, out); err != nil {
			b.Fatal(err)
		}
	}
}
