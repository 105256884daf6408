package app

import (
	"context"
	"sync"

	"bellwether/measure"
	"bellwether/store"
)

// Worth keeps the newest report of what the decisions were worth. It is safe for concurrent use.
type Worth struct {
	mu     sync.Mutex
	report *measure.Report
}

const worthName = "report.json"

// Last returns the report that was kept last, which must not be changed; store.ErrNotFound before there is one.
func (w *Worth) Last(ctx context.Context, objects *store.Objects) (*measure.Report, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.report != nil {
		return w.report, nil
	}
	r := new(measure.Report)
	if err := objects.GetJSON(ctx, worthName, r); err != nil {
		return nil, err
	}
	w.report = r
	return r, nil
}

// Keep makes a report the last one.
func (w *Worth) Keep(ctx context.Context, objects *store.Objects, r *measure.Report) error {
	if err := objects.PutJSON(ctx, worthName, r); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.report = r
	return nil
}
