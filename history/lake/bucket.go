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

// bucket brings one bucket up to date. Its state is removed before its first file is touched and stored after its last one, so
// that after a crash the bucket is written anew and nothing of what it held before counts.
func (w *Writer) bucket(files *files, bucket int) (result, error) {
	x := &w.before[bucket]
	blocks, err := w.spill.take(bucket)
	if err != nil {
		return result{}, err
	}
	if len(blocks) == 0 && !x.lost && !slices.Contains(x.seen, false) {
		return result{}, nil
	}
	before, err := loadState(w.ctx, w.target, bucket)
	if err != nil {
		return result{}, err
	}
	if before == nil {
		before = new(state)
	}
	entries, fresh, changed, err := w.entries(blocks)
	if err != nil {
		return result{}, err
	}
	out := result{changed: len(fresh), anew: x.lost, rows: map[day]int64{}}
	gone := make(map[uint64]bool)
	for i, seen := range x.seen {
		if !seen {
			gone[x.hashes[i]] = true
		}
	}
	out.gone = len(gone)
	dirty, after := compare(before, fresh, gone)
	if err := w.rewrite(files, bucket, &out, dirty, entries, func(subject string) bool { return changed[subject] || gone[hashOf(subject)] }); err != nil {
		return result{}, err
	}
	if err := flush(w.target); err != nil { // a state says what the files hold
		return result{}, err
	}
	return out, saveState(w.ctx, w.target, bucket, after)
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
		d.digest = uint32(digest.Sum64())
		days, begin = append(days, d), end
	}
	return days
}

// compare finds the days on which rows came, changed or went, and what is known from now on.
func compare(before *state, fresh []known, gone map[uint64]bool) (dirty map[day]bool, after *state) {
	dirty, after = make(map[day]bool), new(state)
	for i := range fresh {
		f := &fresh[i]
		var old []day
		if k, ok := before.find(f.hash); ok {
			old = k.days
		}
		differ(dirty, old, f.days)
	}
	next := fresh
	for i := range before.people {
		k := &before.people[i]
		for len(next) > 0 && next[0].hash < k.hash {
			after.people, next = append(after.people, next[0]), next[1:]
		}
		switch {
		case len(next) > 0 && next[0].hash == k.hash:
		case gone[k.hash]:
			differ(dirty, k.days, nil)
		default:
			after.people = append(after.people, *k)
		}
	}
	after.people = append(after.people, next...)
	return dirty, after
}

// differ marks the days that are not the same in a and b, both in order.
func differ(dirty map[day]bool, a, b []day) {
	mark := func(d day) { dirty[day{table: d.table, day: d.day}] = true }
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && compareDays(a[0], b[0]) < 0:
			mark(a[0])
			a = a[1:]
		case len(a) == 0 || compareDays(a[0], b[0]) > 0:
			mark(b[0])
			b = b[1:]
		default:
			if a[0].digest != b[0].digest {
				mark(a[0])
			}
			a, b = a[1:], b[1:]
		}
	}
}
