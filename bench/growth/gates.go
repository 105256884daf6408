package growth

import (
	"fmt"
	"strings"
	"time"
)

// Gate is one promise and what was measured.
type Gate struct {
	Name, Value, Gate string
	Pass              bool
}

// What is promised of growth.
const (
	flat        = .15 // of the import's processor time an event, over the sizes
	turnSeconds = 15  // of a turn without training, a million events
	turnBase    = 1.5 * (1 << 30)
	stepBytes   = 80  // of resident memory, a training step kept
	secondTurn  = .40 // of the first one's time
	slower      = 1.3 // than at the smallest size
	restart     = 3 * time.Second
)

// Gates judges r; base is the smallest size's result, or r itself.
func (r *Result) Gates(base *Result) []Gate {
	gates := []Gate{
		r.gate("import: processor time an event", fmt.Sprintf("%.1f µs, %s", r.PerEvent(), gib(r.Import.Peak)), fmt.Sprintf("%.1f µs ± %.0f %%", base.PerEvent(), 100*flat),
			r.PerEvent() <= base.PerEvent()*(1+flat) && r.PerEvent() >= base.PerEvent()*(1-flat)),
	}
	gates = append(gates, r.turnGates()...)
	s, first := &r.Serve, &base.Serve
	gates = append(gates,
		r.gate("GET /v1/recommend: p99", fmt.Sprintf("%v (p50 %v, %d requests)", rounded(s.P99), rounded(s.P50), s.Requests), fmt.Sprintf("≤ %.1f × %v", slower, rounded(first.P99)),
			s.P99 > 0 && float64(s.P99) <= slower*float64(first.P99)),
		r.gate("first page: p95", fmt.Sprintf("%v (median %v)", rounded(s.PageP95), rounded(s.Page)), fmt.Sprintf("≤ %.1f × %v", slower, rounded(first.PageP95)),
			s.PageP95 > 0 && float64(s.PageP95) <= slower*float64(first.PageP95)),
		r.gate("restart to the first answer", fmt.Sprintf("%.2f s, %s", s.First.Seconds(), gib(s.Peak)), fmt.Sprintf("≤ %.0f s", restart.Seconds()), s.First > 0 && s.First <= restart),
		r.gate("disk", fmt.Sprintf("%.0f bytes an event", float64(r.Disk)/float64(r.Size.Events)), "shown", r.Disk > 0),
	)
	return gates
}

func (r *Result) turnGates() []Gate {
	if len(r.Missing) > 0 {
		return []Gate{r.gate("turn without training", "the program lacks "+strings.Join(r.Missing, ", "), "measured", false)}
	}
	millions := float64(r.Size.Events) / 1e6
	limit := turnBase + stepBytes*float64(r.Steps)
	share := r.Second.Wall.Seconds() / r.Turn.Wall.Seconds()
	return []Gate{
		r.gate("turn without training", fmt.Sprintf("%.1f s a million events (%.1f s, %.1f s of processor time)", r.Turn.Wall.Seconds()/millions, r.Turn.Wall.Seconds(), r.Turn.CPU.Seconds()),
			fmt.Sprintf("≤ %d s a million", turnSeconds), r.Turn.Wall.Seconds() <= turnSeconds*millions),
		r.gate("turn without training: resident memory", fmt.Sprintf("%s, %d steps", gib(r.Turn.Peak), r.Steps), fmt.Sprintf("≤ %s", gib(int64(limit))), r.Turn.Peak > 0 && float64(r.Turn.Peak) <= limit),
		r.gate("second turn, 1 % more events", fmt.Sprintf("%.0f %%: %.1f s, %s", 100*share, r.Second.Wall.Seconds(), gib(r.Second.Peak)), fmt.Sprintf("≤ %.0f %% of the first", 100*secondTurn), share <= secondTurn),
	}
}

func (r *Result) gate(name, value, gate string, pass bool) Gate {
	return Gate{Name: r.Size.String() + ": " + name, Value: value, Gate: gate, Pass: pass}
}

func rounded(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
