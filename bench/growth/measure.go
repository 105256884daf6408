package growth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Bench runs the built program on the shop of one size.
type Bench struct {
	Program string // the built binary
	Folder  string // of the program's data; new
	Size    Size
	Seed    uint64
	Start   time.Time // of the first event; zero: so that the last ones are of today
	Log     io.Writer // what is being done; nil: nowhere
}

// Result is what one size costs.
type Result struct {
	Size      Size
	Import    Usage // of the events
	Catalogue Usage
	Turn      Usage // without training
	More      Usage // the import of 1 % more events
	Second    Usage // the turn after it
	Steps     int64 // training steps that the turn kept; where it does not say, its events
	Serve     Served
	Disk      int64 // bytes of the data folder
	Missing   []string
}

// PerEvent is the import's processor time an event, in microseconds.
func (r *Result) PerEvent() float64 { return r.Import.CPU.Seconds() * 1e6 / float64(r.Size.Events) }

// Run measures one size. What the program cannot do yet is in Missing.
func (b *Bench) Run(ctx context.Context) (*Result, error) {
	if b.Log == nil {
		b.Log = io.Discard
	}
	if b.Start.IsZero() {
		b.Start = time.Now().Add(-Span - Span/50)
	}
	shop := NewShop(b.Size, b.Seed, b.Start)
	r := &Result{Size: b.Size}
	var err error
	if _, r.Catalogue, err = b.run(ctx, func(w io.Writer) error { return Catalogue(w, b.Size.Items) }, "import", "-", "--json"); err != nil {
		return nil, err
	}
	if r.Import, err = b.load(ctx, shop, b.Size.Events); err != nil {
		return nil, err
	}
	b.say("import: %.1f µs of processor time an event, %.0f s, %s", r.PerEvent(), r.Import.Wall.Seconds(), gib(r.Import.Peak))
	if err := b.turns(ctx, shop, r); err != nil {
		return nil, err
	}
	if r.Serve, err = b.serve(ctx); err != nil {
		return nil, err
	}
	b.say("serve: first answer after %.2f s, p99 %v, first page p95 %v", r.Serve.First.Seconds(), r.Serve.P99, r.Serve.PageP95)
	r.Disk, err = bytesUnder(b.Folder)
	return r, err
}

func (b *Bench) say(format string, args ...any) {
	fmt.Fprintf(b.Log, "growth: %v: %s\n", b.Size, fmt.Sprintf(format, args...))
}

// load imports the shop's next n events.
func (b *Bench) load(ctx context.Context, shop *Shop, n int) (Usage, error) {
	out, u, err := b.run(ctx, func(w io.Writer) error { return shop.Write(w, n) }, "import", "-", "--format", "csv", "--json")
	if err != nil {
		return u, err
	}
	var reports []struct{ Events, Rejected, Duplicates int64 }
	if err := json.Unmarshal(out, &reports); err != nil || len(reports) != 1 || reports[0].Events != int64(n) {
		return u, fmt.Errorf("growth: %d events were imported: %s %w", n, out, err)
	}
	return u, nil
}

// turns measures a turn, 1 % more events, and the turn after them.
func (b *Bench) turns(ctx context.Context, shop *Shop, r *Result) error {
	turn := []string{"turn", "--no-train", "--json"}
	out, u, err := b.run(ctx, nil, turn...)
	if err != nil && strings.Contains(err.Error(), "unknown flag: --no-train") {
		r.Missing = append(r.Missing, "turn --no-train")
		b.say("the program has no turn without training")
		return nil
	}
	if err != nil {
		return err
	}
	r.Turn, r.Steps = u, int64(b.Size.Events)
	var report struct {
		Steps int64 `json:"steps"`
	}
	if json.Unmarshal(out, &report) == nil && report.Steps > 0 {
		r.Steps = report.Steps
	}
	b.say("turn: %.1f s (%.1f s of processor time), %s", u.Wall.Seconds(), u.CPU.Seconds(), gib(u.Peak))
	if r.More, err = b.load(ctx, shop, max(b.Size.Events/100, 1)); err != nil {
		return err
	}
	if _, r.Second, err = b.run(ctx, nil, turn...); err != nil {
		return err
	}
	b.say("second turn: %.1f s (%.1f s of processor time), %s", r.Second.Wall.Seconds(), r.Second.CPU.Seconds(), gib(r.Second.Peak))
	return nil
}

func gib(n int64) string { return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30)) }
