package lake

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/cespare/xxhash/v2"
)

// entry is a row on its way into a file: what it is ordered by, and where its record is.
type entry struct {
	day
	subject  string
	at       int64 // Unix nanoseconds
	id       string
	identity string
	record   []byte
	about    *bellwether.Decision // of an outcome
}

// result is what became of a bucket.
type result struct {
	changed, gone, files int
	rows                 map[day]int64 // of the days that were written; 0: the file is gone
	anew                 bool          // rows are all there are
}

// change is what a pass found of one bucket.
type change struct {
	before  *state
	entries []entry // of those who changed
	fresh   []known
	changed map[string]bool
	gone    map[uint64]bool
	dirty   map[day]touched
}

// change reads what a pass found; nil where nothing changed.
func (w *Writer) change(bucket int) (*change, error) {
	x := &w.before[bucket]
	blocks, err := w.spill.read(bucket)
	if err != nil {
		return nil, err
	}
	if len(blocks) == 0 && !x.lost && !slices.Contains(x.seen, false) {
		return nil, nil
	}
	c := &change{gone: make(map[uint64]bool)}
	if c.before, err = loadState(w.ctx, w.target, bucket); err != nil {
		return nil, err
	}
	if c.before == nil {
		c.before = new(state)
	}
	if c.entries, c.fresh, c.changed, err = w.entries(blocks); err != nil {
		return nil, err
	}
	for i, seen := range x.seen {
		if !seen {
			c.gone[x.hashes[i]] = true
		}
	}
	c.dirty = compare(c.before, c.fresh, c.gone)
	return c, nil
}

// apply brings one bucket up to date, but for the days that wait. Its state is removed before its first file is touched and stored after
// its last one, so that after a crash the bucket is written anew and nothing of what it held before counts.
func (w *Writer) apply(files *files, bucket int, c *change, wait map[day]bool) (result, error) {
	out := result{changed: len(c.fresh), gone: len(c.gone), anew: w.before[bucket].lost, rows: map[day]int64{}}
	now := make(map[day]bool, len(c.dirty))
	for d := range c.dirty {
		if !wait[d] {
			now[d] = true
		}
	}
	replaced := func(subject string) bool { return c.changed[subject] || c.gone[hashOf(subject)] }
	if err := w.rewrite(files, bucket, &out, now, c.entries, replaced); err != nil {
		return result{}, err
	}
	if err := flush(w.target); err != nil { // a state says what the files hold
		return result{}, err
	}
	return out, saveState(w.ctx, w.target, bucket, c.after(wait))
}

// rewrite writes the files of the days that are dirty: what they hold of people who are not replaced, and entries.
func (w *Writer) rewrite(files *files, bucket int, out *result, dirty map[day]bool, entries []entry, replaced func(subject string) bool) error {
	if out.anew {
		if err := files.clear(w.ctx, bucket, dirty, out); err != nil {
			return err
		}
	}
	if len(dirty) == 0 {
		return nil
	}
	if err := w.target.Delete(w.ctx, stateName(bucket)); err != nil {
		return err
	}
	for _, d := range slices.SortedFunc(maps.Keys(dirty), compareDays) {
		from, _ := slices.BinarySearchFunc(entries, d, func(e entry, d day) int { return compareDays(e.day, d) })
		to := from
		for to < len(entries) && compareDays(entries[to].day, d) == 0 {
			to++
		}
		n, err := files.replace(w.ctx, bucket, d, entries[from:to], replaced, out.anew)
		if err != nil {
			return err
		}
		out.rows[d] = n
		out.files++
	}
	return nil
}

// entries reads the blocks of a bucket: rows in the order of files and within them, and what will be known of each person.
func (w *Writer) entries(blocks []byte) (entries []entry, fresh []known, changed map[string]bool, err error) {
	changed = make(map[string]bool)
	for len(blocks) > 0 {
		body, rest, ok := cut(blocks)
		if !ok || len(body) < 8 {
			return nil, nil, nil, errDamaged
		}
		blocks = rest
		subject, rows, ok := cut(body[8:])
		if !ok {
			return nil, nil, nil, errDamaged
		}
		begin, who := len(entries), string(subject)
		if entries, err = w.person(entries, who, rows); err != nil {
			return nil, nil, nil, fmt.Errorf("%s: %w", who, err)
		}
		slices.SortFunc(entries[begin:], compareEntries)
		changed[who] = true
		fresh = append(fresh, known{hash: hashOf(who), digest: binary.LittleEndian.Uint64(body), days: daysOf(entries[begin:])})
	}
	slices.SortFunc(entries, compareEntries)
	slices.SortFunc(fresh, func(a, b known) int { return cmp.Compare(a.hash, b.hash) })
	return entries, fresh, changed, nil
}

func compareEntries(a, b entry) int {
	return cmp.Or(compareDays(a.day, b.day), cmp.Compare(a.subject, b.subject), cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id))
}

// person appends one person's entries.
func (w *Writer) person(entries []entry, subject string, rows []byte) ([]entry, error) {
	err := records(rows, func(kind byte, identity string, record []byte) error {
		e := entry{subject: subject, identity: identity, record: record}
		var at time.Time
		switch kind {
		case spilledEvent:
			var v bellwether.Event
			if err := store.Decode(record, &v); err != nil {
				return err
			}
			at, e.id, e.table = v.Occurred, string(v.ID), eventTable
		case spilledDecision:
			var v bellwether.Decision
			if err := store.Decode(record, &v); err != nil {
				return err
			}
			at, e.id, e.table = v.Time, string(v.ID), decisionTable
		case spilledOutcome:
			return w.outcome(&entries, e)
		}
		e.at, e.day.day = at.UnixNano(), dayOf(at)
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

// outcome appends the entries of a settled outcome and its decision.
func (w *Writer) outcome(entries *[]entry, e entry) error {
	var v bellwether.Outcome
	if err := store.Decode(e.record, &v); err != nil {
		return err
	}
	var d bellwether.Decision
	found := false
	if w.o.Decision != nil {
		var err error
		if d, found, err = w.o.Decision(v.Decision); err != nil {
			return fmt.Errorf("decision %s: %w", v.Decision, err)
		}
	}
	if !found {
		w.orphans.Add(1)
		return nil
	}
	decision := e
	var err error
	if decision.record, err = store.Encode(&d); err != nil {
		return err
	}
	e.at, e.day.day, e.id, e.table, e.about = d.Time.UnixNano(), dayOf(d.Time), string(v.Decision), outcomeTable, &d
	decision.at, decision.day.day, decision.id, decision.table = e.at, e.day.day, e.id, decisionTable
	*entries = append(*entries, decision, e)
	return nil
}

// dayOf is the day of t in UTC, since 1970.
func dayOf(t time.Time) int32 {
	const seconds = 86_400
	s := t.Unix()
	return int32((s - ((s%seconds)+seconds)%seconds) / seconds)
}

// daysOf digests one person's entries by table and day; they are in order.
func daysOf(entries []entry) (days []day) {
	for begin := 0; begin < len(entries); {
		end, digest := begin, xxhash.New()
		for ; end < len(entries) && compareDays(entries[end].day, entries[begin].day) == 0; end++ {
			_, _ = digest.WriteString(entries[end].identity)
			_, _ = digest.Write(entries[end].record)
		}
		d := entries[begin].day
		d.digest, d.rows = uint32(digest.Sum64()), uint32(end-begin)
		days, begin = append(days, d), end
	}
	return days
}
