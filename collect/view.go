package collect

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"bellwether"
	"bellwether/store"
)

// appender is where records are written: the store's log, or memory in a dry run.
type appender interface {
	Append(ctx context.Context, records ...store.Record) (sequence uint64, err error)
	Last(ctx context.Context) (uint64, error)
}

// view is what was folded from the records: the store's view, or memory in a dry run.
type view interface {
	Get(key []byte) ([]byte, error)
	GetAll(keys [][]byte, fn func(at int, value []byte)) error
	Scan(prefix []byte, fn func(k, v []byte) bool) error
	Wait(ctx context.Context, sequence uint64) error
	Cursor() uint64
}

// writer changes a view while it is folded.
type writer interface {
	Get(key []byte) ([]byte, error)
	Set(key, value []byte)
	Delete(key []byte)
}

// The view's keys, by their first byte.
const (
	seenPrefix        = 'i' // + hash of an event's id → receipt (Unix ns), number of its group
	groupPrefix       = 'g' // + number of a group → when it was stored (Unix ns), its hashes
	groupsKey         = 'n' // → numbers of the oldest and the next group
	letterPrefix      = 'r' // + id of a dead letter → its record
	replayedPrefix    = 'm' // + id of a dead letter that was replayed
	mappingPrefix     = 'p' // + id of a mapping → its JSON
	batchPrefix       = 'b' // + id of an import → its JSON
	batchGroupsPrefix = 'u' // + id of an import → the runs of its groups
)

const (
	viewName    = "collect"
	viewVersion = 2
)

// seenKey is what the view knows an event id by: no id is kept in the clear.
type seenKey [16]byte

func keyOf(id bellwether.EventID) (k seenKey) {
	h := sha256.Sum256([]byte(id))
	copy(k[:], h[:])
	return k
}

func prefixed(prefix byte, rest []byte) []byte { return append([]byte{prefix}, rest...) }

// receivedAt returns when an event was received, in Unix nanoseconds, from what the view keeps of its id.
func receivedAt(seen []byte) (at int64, ok bool) {
	if len(seen) != 16 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(seen)), true
}

// folder folds the log into the view of the ids seen and of the dead letters.
type folder struct {
	window time.Duration // an id is forgotten when it was stored longer ago
}

func (f folder) fold(w writer, b store.Batch) error {
	var hashes []byte
	var batch string // the import that the events came with
	groups, err := readGroups(w)
	if err != nil {
		return err
	}
	for i := range b.Records {
		r := &b.Records[i]
		switch r.Kind {
		case store.KindEvent:
			var e bellwether.Event
			if err := store.Decode(r.Data, &e); err != nil {
				return fmt.Errorf("collect: event %q of batch %d: %w", r.ID, b.Sequence, err)
			}
			k := keyOf(e.ID)
			hashes = append(hashes, k[:]...)
			if e.Import != "" {
				batch = e.Import
			}
			value := binary.BigEndian.AppendUint64(nil, uint64(e.Received.UnixNano()))
			w.Set(prefixed(seenPrefix, k[:]), binary.BigEndian.AppendUint64(value, groups.next))
		case store.KindReject:
			w.Set(prefixed(letterPrefix, []byte(r.ID)), r.Data)
		case store.KindNote:
			if err := f.foldNote(w, r); err != nil {
				return err
			}
		}
	}
	if hashes == nil {
		return nil
	}
	stored := binary.BigEndian.AppendUint64(nil, uint64(b.Time.UnixNano()))
	w.Set(groupKey(groups.next), append(stored, hashes...))
	if batch != "" {
		if err := noteGroup(w, batch, groups.next); err != nil {
			return err
		}
	}
	groups.next++
	return f.prune(w, groups, b.Time)
}

func (f folder) foldNote(w writer, r *store.Record) error {
	if id, ok := strings.CutPrefix(r.ID, replayedNotePrefix); ok {
		w.Set(prefixed(replayedPrefix, []byte(id)), []byte{1})
	}
	if id, ok := strings.CutPrefix(r.ID, mappingNotePrefix); ok {
		w.Set(prefixed(mappingPrefix, []byte(id)), r.Data)
	}
	if id, ok := strings.CutPrefix(r.ID, batchNotePrefix); ok {
		w.Set(prefixed(batchPrefix, []byte(id)), r.Data)
	}
	if id, ok := strings.CutPrefix(r.ID, undoneNotePrefix); ok {
		return f.foldUndone(w, id)
	}
	return nil
}

// groups numbers the batches whose ids the view still holds: oldest ≤ group < next.
type groups struct{ oldest, next uint64 }

func readGroups(w writer) (groups, error) {
	b, err := w.Get([]byte{groupsKey})
	if err != nil || len(b) != 16 {
		return groups{}, err
	}
	return groups{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, nil
}

func groupKey(n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{groupPrefix}, n)
}

// prune forgets at most two groups that were stored before the window, so that the view keeps up
// with a steady stream at a bounded cost a batch.
func (f folder) prune(w writer, g groups, now time.Time) error {
	for range 2 {
		if g.oldest == g.next {
			break
		}
		b, err := w.Get(groupKey(g.oldest))
		if err != nil {
			return err
		}
		if len(b) >= 8 {
			if now.UnixNano()-int64(binary.BigEndian.Uint64(b)) <= int64(f.window) {
				break
			}
			if err := forgetGroup(w, g.oldest, b[8:]); err != nil {
				return err
			}
		}
		w.Delete(groupKey(g.oldest))
		g.oldest++
	}
	state := binary.BigEndian.AppendUint64(nil, g.oldest)
	w.Set([]byte{groupsKey}, binary.BigEndian.AppendUint64(state, g.next))
	return nil
}

// forgetGroup deletes the ids of a group, save those that were seen again in a later one.
func forgetGroup(w writer, n uint64, hashes []byte) error {
	hashes = append([]byte(nil), hashes...) // the writer may reuse what Get returned
	for ; len(hashes) >= 16; hashes = hashes[16:] {
		key := prefixed(seenPrefix, hashes[:16])
		b, err := w.Get(key)
		if err != nil {
			return err
		}
		if len(b) == 16 && binary.BigEndian.Uint64(b[8:]) == n {
			w.Delete(key)
		}
	}
	return nil
}
