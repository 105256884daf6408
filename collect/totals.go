package collect

import "sync/atomic"

// totals counts what became of messages since the collector was opened.
type totals struct{ accepted, duplicates, rejected, events atomic.Int64 }

func (t *totals) add(r Result) {
	t.accepted.Add(r.Accepted)
	t.duplicates.Add(r.Duplicates)
	t.rejected.Add(r.Rejected)
	t.events.Add(r.Events)
}

// Totals returns what became of the messages since the collector was opened.
func (c *Collector) Totals() Result {
	t := &c.totals
	return Result{Accepted: t.accepted.Load(), Duplicates: t.duplicates.Load(), Rejected: t.rejected.Load(), Events: t.events.Load()}
}
