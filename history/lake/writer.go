package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bellwether"
	"bellwether/history"
)

// Options of a [Writer].
type Options struct {
	// Decision finds a decision whose outcome is settled; nil: the rows of such decisions and outcomes are left out.
	Decision func(bellwether.DecisionID) (bellwether.Decision, bool, error)
	Scratch  string              // folder for scratch files; "": the system's
	Currency bellwether.Currency // of amounts in outcomes, for the manifest
	Cursor   uint64              // of the log that the pass read up to, for the manifest
	AsOf     time.Time           // of the pass, for the manifest
	Workers  int                 // buckets written at a time; 0: 2
	Wait     float64             // share of a day's rows that may change before its files are written anew, see [Report.Waiting]; 0: none
}

// Writer brings a lake up to date with a pass over everybody. It is a [history.Reducer]; use a new one a pass and Close it.
type Writer struct {
	*pass
	block block  // of this part alone
	print []byte // what the person's digest is taken of; of this part alone
}

// pass is what all parts of one pass share.
type pass struct {
	ctx     context.Context
	target  Target
	o       Options
	spill   *spill
	before  [Buckets]index
	done    bool
	report  Report
	orphans atomic.Int64
	spilled atomic.Int64 // people who changed
}

// index is what a pass holds of a bucket's state in memory: 17 bytes a person.
type index struct {
	lost   bool // there is no state: the bucket is written anew
	hashes []uint64
	digest []uint64
	seen   []bool // a person is of one part alone
}

// Report says what a pass wrote.
type Report struct {
	Changed int64            `json:"changed"` // people
	Gone    int64            `json:"gone"`    // people that are no more: joined to others, or robots
	Files   int64            `json:"files"`   // written or deleted
	Orphans int64            `json:"orphans"` // outcomes left out as their decisions aren't known
	Waiting int64            `json:"waiting"` // at most so many rows are as they were: of a device that signed in since, say
	Rows    map[string]int64 `json:"rows"`    // in the lake, by table
}

// NewWriter reads what the lake remembers of people. What is in the target grows by Done; ctx holds for it too.
func NewWriter(ctx context.Context, t Target, o Options) (*Writer, error) {
	p := &pass{ctx: ctx, target: t, o: o}
	if p.o.Workers == 0 {
		p.o.Workers = 2
	}
	for bucket := range p.before {
		s, err := loadState(ctx, t, bucket)
		if err != nil {
			return nil, err
		}
		x := &p.before[bucket]
		if x.lost = s == nil; x.lost {
			continue
		}
		x.hashes, x.digest, x.seen = make([]uint64, len(s.people)), make([]uint64, len(s.people)), make([]bool, len(s.people))
		for i := range s.people {
			x.hashes[i], x.digest[i] = s.people[i].hash, s.people[i].digest
		}
	}
	var err error
	p.spill, err = newSpill(o.Scratch)
	return &Writer{pass: p}, err
}

// Close removes the scratch files.
func (w *Writer) Close() error { return w.spill.close() }

// Report says what was written, after Done.
func (w *Writer) Report() Report { return w.report }

// Fork implements [history.Reducer].
func (w *Writer) Fork() history.Reducer { return &Writer{pass: w.pass} }

// Merge implements [history.Reducer]; parts share what they keep.
func (w *Writer) Merge(next history.Reducer) error {
	if other, ok := next.(*Writer); !ok || other.pass != w.pass {
		return fmt.Errorf("lake: %T is no part of this pass", next)
	}
	return nil
}

// Add implements [history.Reducer].
func (w *Writer) Add(p *history.Person) error {
	digest, err := w.digest(p)
	if err != nil {
		return fmt.Errorf("lake: %s: %w", p.Subject, err)
	}
	hash := hashOf(string(p.Subject))
	x := &w.before[hash>>58]
	if at, ok := slices.BinarySearch(x.hashes, hash); ok {
		x.seen[at] = true
		if x.digest[at] == digest {
			return nil
		}
	} else if len(p.Events)+len(p.Decisions)+len(p.Outcomes) == 0 {
		return nil
	}
	if err := w.encode(p, digest); err != nil {
		return fmt.Errorf("lake: %s: %w", p.Subject, err)
	}
	w.spilled.Add(1)
	return w.spill.add(int(hash>>58), appendText(nil, string(w.block.buf)))
}

// encode fills the part's block with all that the lake keeps of a person. A settled decision is named by its outcome: it is
// looked up when the person's rows are written.
func (w *Writer) encode(p *history.Person, digest uint64) error {
	w.block.begin(p.Subject, digest)
	for i := range p.Events {
		e := &p.Events[i]
		if !e.Type.Personal() {
			continue
		}
		if err := w.block.add(spilledEvent, identityOf(p, i), e); err != nil {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
	}
	for i := range p.Decisions {
		if err := w.block.add(spilledDecision, "", &p.Decisions[i]); err != nil {
			return fmt.Errorf("decision %s: %w", p.Decisions[i].ID, err)
		}
	}
	for i := range p.Outcomes {
		if err := w.block.add(spilledOutcome, "", &p.Outcomes[i]); err != nil {
			return fmt.Errorf("outcome of %s: %w", p.Outcomes[i].Decision, err)
		}
	}
	return nil
}

// Done implements [history.Reducer]: it writes the files in which something changed, then the manifest.
func (w *Writer) Done() error {
	if w.done {
		return errors.New("lake: a writer is for one pass")
	}
	w.done = true
	before, err := ReadManifest(w.ctx, w.target)
	if err != nil {
		return err
	}
	results, err := w.buckets(before)
	if err != nil {
		return err
	}
	m := w.manifest(before, results)
	w.report.Orphans = w.orphans.Load()
	return m.write(w.ctx, w.target)
}

// buckets brings all buckets up to date, some at a time, and returns what became of each.
func (w *Writer) buckets(m *Manifest) ([]result, error) {
	wait, err := w.waiting(m)
	if err != nil {
		return nil, err
	}
	results := make([]result, Buckets)
	err = w.parallel(func(files *files, bucket int) error {
		c, err := w.change(bucket)
		if err == nil {
			err = w.spill.free(bucket)
		}
		if err != nil || c == nil {
			return err
		}
		results[bucket], err = w.apply(files, bucket, c, wait)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range results {
		w.report.Changed += int64(results[i].changed)
		w.report.Gone += int64(results[i].gone)
		w.report.Files += int64(results[i].files)
	}
	return results, nil
}

// parallel calls do with each bucket, with as many at a time as there are workers.
func (w *Writer) parallel(do func(files *files, bucket int) error) error {
	errs := make([]error, Buckets)
	var next atomic.Int64
	var all sync.WaitGroup
	for range w.o.Workers {
		all.Go(func() {
			files := newFiles(w.target)
			for {
				bucket := int(next.Add(1)) - 1
				if bucket >= Buckets || w.ctx.Err() != nil {
					return
				}
				errs[bucket] = do(files, bucket)
			}
		})
	}
	all.Wait()
	if err := cmp.Or(w.ctx.Err(), errors.Join(errs...)); err != nil {
		return fmt.Errorf("lake: %w", err)
	}
	return nil
}
