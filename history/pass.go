package history

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"bellwether"
)

// PassOptions configure a pass.
type PassOptions struct {
	AsOf     time.Time                 // nothing received later is read; zero: no limit
	Progress func(bellwether.Progress) // nil: nobody is told
	Workers  int                       // 0: a worker a processor
}

// Market is a Reducer that wants the clean events about nobody too, market data and the system's own records: a day's
// at a time, in their order, before the people.
type Market interface {
	AddMarket(events []bellwether.Event) error
}

// Pass reads everybody once and hands each person to every reducer. What reducers made is merged in the order of the
// parts, so that the result does not depend on the number of workers.
func (h *History) Pass(ctx context.Context, o PassOptions, reducers ...Reducer) (Tally, error) {
	cursor, err := h.caughtUp(ctx)
	if err != nil {
		return Tally{}, err
	}
	p := &pass{h: h, o: o, reducers: reducers, tally: newTally(false), state: h.state.Load(), started: time.Now()}
	if p.items, err = h.catalogue.read(h.source, &h.money); err != nil {
		return Tally{}, err
	}
	if err := p.market(); err != nil {
		return Tally{}, err
	}
	if err := p.run(ctx); err != nil {
		return Tally{}, err
	}
	for _, r := range reducers {
		if err := r.Done(); err != nil {
			return Tally{}, err
		}
	}
	t := p.tally.finish()
	t.Cursor = cursor
	return t, nil
}

// pass is one pass over people.
type pass struct {
	h        *History
	o        PassOptions
	reducers []Reducer
	tally    *tally
	state    *Limits
	items    *catalogue
	started  time.Time
	done     atomic.Int64
}

// part is what a pass made of one bucket.
type part struct {
	reducers []Reducer
	tally    *tally
	err      error
	ready    chan struct{}
}

// run reads the buckets with a bounded number of workers and merges them in their order as they come.
func (p *pass) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := p.o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	parts := make([]part, Buckets)
	for b := range parts {
		parts[b].ready = make(chan struct{})
	}
	var next atomic.Int64
	room := make(chan struct{}, workers+2) // a slow part is not waited for with all others in memory
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			r := p.reader()
			for {
				select {
				case room <- struct{}{}:
				case <-ctx.Done():
					return
				}
				b := int(next.Add(1)) - 1
				if b >= Buckets {
					return
				}
				p.bucket(ctx, r, b, &parts[b])
				close(parts[b].ready)
			}
		})
	}
	err := p.merge(ctx, parts, room)
	cancel()
	all.Wait()
	return err
}

func (p *pass) merge(ctx context.Context, parts []part, room chan struct{}) error {
	for b := range parts {
		select {
		case <-parts[b].ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := parts[b].err; err != nil {
			return err
		}
		for i, r := range p.reducers {
			if err := r.Merge(parts[b].reducers[i]); err != nil {
				return err
			}
		}
		p.tally.merge(parts[b].tally)
		parts[b] = part{}
		<-room
		if p.o.Progress != nil {
			p.o.Progress(bellwether.Progress{Step: "history", Done: int64(b + 1), Total: Buckets, Elapsed: time.Since(p.started)})
		}
	}
	return nil
}

func (p *pass) reader() *reader {
	r := p.h.reader(p.state, p.items, nil)
	if !p.o.AsOf.IsZero() {
		r.asOf = p.o.AsOf.UnixNano()
	}
	return r
}

// reader returns a reader over the view; a nil tally is one that nobody reads.
func (h *History) reader(limits *Limits, items *catalogue, t *tally) *reader {
	if t == nil {
		t = newTally(true)
	}
	return &reader{source: h.source, salt: h.o.Salt, cleaner: cleaner{
		limits: limits, items: items, money: &h.money, words: newWords(), tally: t,
		first: map[uint64]int32{}, seed: maphash.MakeSeed(),
	}}
}

// bucket reads the people of one bucket, one after the other.
func (p *pass) bucket(ctx context.Context, r *reader, b int, out *part) {
	out.tally = newTally(false)
	r.tally = out.tally
	for _, o := range p.reducers {
		out.reducers = append(out.reducers, o.Fork())
	}
	out.err = r.everybody(b, func(person *Person) error {
		if person.Known {
			out.tally.total.People++
		}
		for _, o := range out.reducers {
			if err := o.Add(person); err != nil {
				return err
			}
		}
		if p.done.Add(1)%1024 == 0 {
			return ctx.Err()
		}
		return nil
	})
}

// everybody calls add with each person of a bucket, in the order of their subjects.
func (r *reader) everybody(bucket int, add func(*Person) error) error {
	var prefix []byte // of the name being read; nil: none yet
	var o own
	var failed error
	finish := func() error {
		if prefix == nil || len(prefix) == 3 { // nobody: see market
			return nil
		}
		name := bellwether.Subject(prefix[2 : len(prefix)-1])
		p, err := r.finish(&Person{Subject: name, Identities: []Identity{{ID: name, Parent: -1}}}, o, true)
		if err != nil || p == nil {
			return err
		}
		return add(p)
	}
	err := r.source.Scan([]byte{peoplePrefix, byte(bucket)}, func(k, v []byte) bool {
		if prefix == nil || !bytes.HasPrefix(k, prefix) {
			if failed = finish(); failed != nil {
				return false
			}
			end := bytes.IndexByte(k[2:], 0)
			if end < 0 {
				failed = errEntry
				return false
			}
			prefix, o = append(prefix[:0], k[:end+3]...), own{}
			r.begin()
		}
		if len(prefix) > 3 {
			failed = r.take(&o, k[len(prefix)], k[len(prefix)+1:], v)
		}
		return failed == nil
	})
	if err = cmp.Or(failed, err); err == nil {
		err = finish()
	}
	if err != nil {
		return fmt.Errorf("history: reading people: %w", err)
	}
	return nil
}

// market cleans what is about nobody, a day at a time, and hands it to the reducers that want it.
func (p *pass) market() error {
	r := p.reader()
	r.tally = p.tally
	day := int64(-1)
	flush := func() error {
		person, err := r.finish(&Person{Identities: []Identity{{Parent: -1}}}, own{}, false)
		r.begin()
		if err != nil || len(person.Events) == 0 {
			return err
		}
		for _, o := range p.reducers {
			if m, ok := o.(Market); ok {
				if err := m.AddMarket(person.Events); err != nil {
					return err
				}
			}
		}
		return nil
	}
	r.begin()
	prefix := kindKey("", eventKind)
	var failed error
	err := r.source.Scan(prefix, func(k, v []byte) bool {
		rest := k[len(prefix):]
		if len(rest) != 20 {
			failed = errEntry
			return false
		}
		if d := int64(beUint64(rest) / uint64(24*time.Hour)); d != day {
			if failed = flush(); failed != nil {
				return false
			}
			day = d
		}
		r.addSpan(rest, v, 0, false, "")
		return true
	})
	err = errors.Join(err, failed, flush())
	t := &p.tally.total
	t.Market, t.Read, t.Events = t.Read, 0, 0 // nobody's so far
	return err
}
