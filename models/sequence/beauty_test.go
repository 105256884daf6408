package sequence

import (
	"bufio"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"bellwether"
)

// shared finds a data file by walking up from the package, or skips the test.
func shared(t testing.TB, name string) string {
	t.Helper()
	roots := []string{os.Getenv("BELLWETHER_SHARED")}
	for up := "../.."; len(up) < 40; up = "../" + up {
		roots = append(roots, filepath.Join(up, "shared"))
	}
	for _, root := range roots {
		if path := filepath.Join(root, "data", name); root != "" {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	t.Skipf("the data set %s is absent", name)
	return ""
}

// leaveOneOut reads lines of "user item item …", or of "user item", and keeps each
// user's last item for the test and the one before for validation.
func leaveOneOut(t testing.TB, name string) *bellwether.Dataset {
	t.Helper()
	f, err := os.Open(shared(t, name))
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
