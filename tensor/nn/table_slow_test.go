//go:build slow && linux

package nn

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// tableStep returns a step of row-wise Adam on 8,192 random rows of 64.
func tableStep(rows int, m *Memory) func() {
	b := NewBuilder(1).In(m, m)
	e := Embedding{Width: 64, Tables: []*Param{b.Table("t", Constant(.1), rows, 64)}}
	o, pass, rng := NewAdam(b.Params(), Adam{RowWise: true, Beta1: -1}), &Pass{Train: true}, rand.New(rand.NewPCG(1, 2))
	ids, step := make([]int32, 8192), 0
	return func() {
		step++
		for i := range ids {
			ids[i] = rng.Int32N(int32(rows))
		}
		b.Params().ZeroGrad()
		pass.Begin(len(ids), nil)
		e.Backward(pass, e.Forward(pass, [][]int32{ids}))
		o.Step(step, 1e-3)
	}
}

func resident(t *testing.T) float64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(text, []byte("VmRSS:"))
	kib, err := strconv.ParseFloat(string(bytes.Fields(after)[0]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib * 1024
}

// A table of a billion parameters: a step takes at most twice the time of one in a hundredth
// of the rows, and the memory is at most 1.2 times the table's.
func TestTableOfABillion(t *testing.T) {
	const few, many = 156_000, 15_625_000
	m, before := &Memory{}, resident(t)
	defer m.Release()
	large := tableStep(many, m)
	for range 300 { // the touched rows' places and the state, too, are in memory now
		large()
	}
	took := resident(t) - before
	if limit := 1.2 * 4 * 64 * many; took > limit {
		t.Errorf("%.2f GiB for a table of %.2f", took/(1<<30), 4.*64*many/(1<<30))
	}
	small := tableStep(few, m)
	time25 := func(step func()) float64 {
		times := make([]time.Duration, 25)
		for i := range times {
			start := time.Now()
			step()
			times[i] = time.Since(start)
		}
		slices.Sort(times)
		return times[12].Seconds()
	}
	var ratios []float64
	for range 9 {
		ratios = append(ratios, time25(large)/time25(small))
	}
	slices.Sort(ratios)
	t.Logf("%.2f GiB for a table of %.2f; time in %d rows by that in %d: %.2f (%.2f–%.2f)", took/(1<<30), 4.*64*many/(1<<30), many, few, ratios[4], ratios[0], ratios[8])
	if ratios[4] > 2 {
		t.Errorf("a step in %d rows takes %.2f times one in %d", many, ratios[4], few)
	}
}
