//go:build slow

package sequence

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"bellwether"
	"bellwether/internal/market"
)

// TestMarketTime: of a market's customers as they are known 30 days before its end, those who are given a chance to come back within 30 days
// do: the calibration error is at most .03, and each row of days since last seen is within .03, or within 3 standard errors of what happened.
func TestMarketTime(t *testing.T) {
	w, err := market.New(market.Sized(3000, 300, 240), 101)
	if err != nil {
		t.Fatal(err)
	}
	whole, _, _ := marketViews(t, w)
	var last int64
	for _, steps := range whole.Sequences.Steps {
		last = max(last, steps[len(steps)-1].Time)
	}
	const span = 30 * 86_400
	moment := last - span
	q, came := *whole.Sequences, []bool(nil)
	q.People, q.Steps, q.TrainEnd, q.Validation, q.Test = nil, nil, nil, nil, nil
	for p, steps := range whole.Sequences.Steps {
		n, _ := slices.BinarySearchFunc(steps, moment+1, func(s bellwether.Step, at int64) int { return int(s.Time - at) })
		if n < 3 {
			continue
		}
		k := int32(len(q.Steps))
		q.People, q.Steps, q.TrainEnd = append(q.People, whole.Sequences.People[p]), append(q.Steps, steps[:n]), append(q.TrainEnd, n-2)
		q.Validation, q.Test = append(q.Validation, bellwether.Target{Person: k, At: int32(n - 2)}), append(q.Test, bellwether.Target{Person: k, At: int32(n - 1)})
		came = append(came, n < len(steps))
	}
	d := &bellwether.Dataset{Digest: w.Name(), AsOf: time.Unix(moment, 0).UTC(), Sequences: &q}
	trained, err := Trainer{Preset: "tiny", Seed: 1, Epochs: 4}.Train(t.Context(), d, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := trained.(*Model)
	if why := m.Calibration("wait").Withheld(); why != "" {
		t.Error(why)
	}
	rows, cases := make([][]outcome, 5), []outcome(nil)
	bounds := []float64{2, 5, 10, 20, math.Inf(1)}
	for p, steps := range q.Steps {
		f, err := m.Forecast(context.Background(), [][]bellwether.Step{steps})
		if err != nil {
			t.Fatal(err)
		}
		gone := float64(moment - steps[len(steps)-1].Time)
		o := outcome{f[0].Within(gone, span), came[p]}
		cases = append(cases, o)
		for r, days := range bounds {
			if gone < days*day {
				rows[r] = append(rows[r], o)
				break
			}
		}
	}
	c := calibrationOf(cases)
	t.Logf("calibration error %.4f of %d customers, %.4f by chance", c.Error, c.N, c.Chance)
	if c.Error > .03 {
		t.Errorf("the calibration error is %.4f, want .03", c.Error)
	}
	for r, row := range rows {
		if len(row) == 0 {
			continue
		}
		var p, happened float64
		for _, o := range row {
			p += o.p / float64(len(row))
			if o.true {
				happened += 1 / float64(len(row))
			}
		}
		se := math.Sqrt(happened * (1 - happened) / float64(len(row)))
		t.Logf("last seen less than %3.0f days ago: %.3f, happened %.3f ± %.3f, %d customers", bounds[r], p, happened, se, len(row))
		if math.Abs(p-happened) > .03+3*se {
			t.Errorf("last seen less than %g days ago: %.3f for %.3f", bounds[r], p, happened)
		}
	}
}
