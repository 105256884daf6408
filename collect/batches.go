package collect

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"bellwether"
	"bellwether/store"
)

// Batch is one import: what came in together, and can be taken back together. The log keeps what is said of it as notes, the newest
// counts; taking it back is a note too, and its events stay in the log without being read.
type Batch struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"` // of the file
	Format     string     `json:"format"`
	Began      time.Time  `json:"began"`
	Ended      *time.Time `json:"ended,omitempty"` // nil: it is under way, or was interrupted: the same file goes on with it
	Undone     *time.Time `json:"undone,omitempty"`
	ReplacedBy string     `json:"replaced_by,omitempty"` // id of the import that took its place
	Result
	Rows int64 `json:"rows"`
}

// Notes on imports: the id of the record is the prefix and the import's id.
const (
	batchNotePrefix  = "collect.import/"
	undoneNotePrefix = "collect.undone/" // history reads it too: what it names is not read any more
)

// An import's id tells whether its events are rows of a table, of which equal ones are two things that happened, or messages.
const (
	rowsBatch     = "t-"
	messagesBatch = "m-"
)

func (b *Batch) note() (store.Record, error) {
	data, err := json.Marshal(b)
	return store.Record{Kind: store.KindNote, ID: batchNotePrefix + b.ID, Data: data}, err
}

// beginBatch names the import: as an earlier one of the same file that was interrupted, or anew. Nothing is written before an event is.
func (im *importer) beginBatch(rows bool) error {
	if im.batchOf.ID != "" {
		return nil
	}
	kind := messagesBatch
	if rows {
		kind = rowsBatch
	}
	now := im.c.o.Clock().UTC()
	b := Batch{Name: im.o.Name, Format: im.out.Format, Began: now}
	err := im.c.batches(func(o Batch) bool {
		if o.Ended == nil && o.Undone == nil && o.Name == b.Name && o.Name != "" && o.ID[:2] == kind {
			b.ID, b.Began = o.ID, o.Began
		}
		return b.ID == ""
	})
	if b.ID == "" {
		h := sha256.New()
		for _, n := range []uint64{im.c.opened, im.c.letters.Add(1), uint64(now.UnixNano())} {
			_ = binary.Write(h, binary.BigEndian, n)
		}
		h.Write([]byte(b.Name))
		b.ID = kind + hex.EncodeToString(h.Sum(nil)[:6])
	}
	im.batchOf = b
	return err
}

// writeBatch says in the log how far the import is.
func (im *importer) writeBatch(ctx context.Context, ended bool) error {
	b := im.batchOf
	b.Result, b.Rows = im.out.Result, im.out.Rows
	if ended {
		now := im.c.o.Clock().UTC()
		b.Ended = &now
	}
	return im.c.appendNotes(ctx, b)
}

func (c *Collector) appendNotes(ctx context.Context, batches ...Batch) error {
	var records []store.Record
	for i := range batches {
		r, err := batches[i].note()
		if err != nil {
			return err
		}
		records = append(records, r)
		if b := &batches[i]; b.Undone != nil {
			records = append(records, store.Record{Kind: store.KindNote, ID: undoneNotePrefix + b.ID})
		}
	}
	return c.appendAndWait(ctx, records)
}

func (c *Collector) appendAndWait(ctx context.Context, records []store.Record) error {
	sequence, err := c.log.Append(context.WithoutCancel(ctx), records...)
	if err == nil {
		err = c.view.Wait(ctx, sequence)
	}
	if err != nil {
		return fmt.Errorf("collect: keep what is said of an import: %w", err)
	}
	return nil
}

// batches calls fn with each import, until fn returns false.
func (c *Collector) batches(fn func(Batch) bool) error {
	var failed error
	err := c.view.Scan([]byte{batchPrefix}, func(_, v []byte) bool {
		var b Batch
		if failed = json.Unmarshal(v, &b); failed != nil {
			return false
		}
		return fn(b)
	})
	if err = cmp.Or(err, failed); err != nil {
		return fmt.Errorf("collect: read the imports: %w", err)
	}
	return nil
}

// Imports returns every import, the newest first.
func (c *Collector) Imports(ctx context.Context) ([]Batch, error) {
	if err := c.catchUp(ctx); err != nil {
		return nil, err
	}
	out := []Batch{}
	err := c.batches(func(b Batch) bool { out = append(out, b); return true })
	slices.SortStableFunc(out, func(a, b Batch) int { return b.Began.Compare(a.Began) })
	return out, err
}

// UndoImport takes an import back: its events are not read any more, its items become what they were before (or end), and the same
// file can be imported again. An id that is not known is store.ErrNotFound, one that was taken back store.ErrConflict.
func (c *Collector) UndoImport(ctx context.Context, id string) (Batch, error) {
	if err := c.catchUp(ctx); err != nil {
		return Batch{}, err
	}
	return c.undo(ctx, id, "")
}

func (c *Collector) undo(ctx context.Context, id, by string) (Batch, error) {
	text, err := c.view.Get(prefixed(batchPrefix, []byte(id)))
	if err != nil {
		return Batch{}, fmt.Errorf("collect: read import %s: %w", id, err)
	}
	if text == nil {
		return Batch{}, fmt.Errorf("collect: import %q: %w", id, store.ErrNotFound)
	}
	var b Batch
	if err := json.Unmarshal(text, &b); err != nil {
		return Batch{}, fmt.Errorf("collect: read import %s: %w", id, err)
	}
	if b.Undone != nil {
		return b, fmt.Errorf("collect: import %s was taken back on %s: %w", id, b.Undone.Format(time.RFC3339), store.ErrConflict)
	}
	if b.Format == FormatItems {
		if err := c.restoreItems(ctx, id); err != nil {
			return b, err
		}
	}
	now := c.o.Clock().UTC()
	b.Undone, b.ReplacedBy = &now, by
	return b, c.appendNotes(ctx, b)
}

// restoreItems writes the items of an import as they were before it; one that was not there before ends now.
func (c *Collector) restoreItems(ctx context.Context, id string) error {
	if c.read == nil {
		return nil // in memory nothing is kept
	}
	undone := map[string]bool{id: true}
	if err := c.batches(func(b Batch) bool { undone[b.ID] = undone[b.ID] || b.Undone != nil; return true }); err != nil {
		return err
	}
	before, now := map[bellwether.ItemID]*bellwether.Item{}, map[bellwether.ItemID]*bellwether.Item{}
	err := c.read(ctx, func(b store.Batch) error {
		for _, r := range b.Records {
			if r.Kind != store.KindItem {
				continue
			}
			item := new(bellwether.Item)
			if err := store.Decode(r.Data, item); err != nil {
				return err
			}
			now[item.ID] = item
			if !undone[item.Import] {
				before[item.ID] = item
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("collect: read the items of import %s: %w", id, err)
	}
	var records []store.Record
	for _, name := range slices.Sorted(maps.Keys(now)) {
		item := now[name]
		if item.Import != id {
			continue
		}
		old := before[name]
		if old == nil {
			old = item
			old.To, old.Import = c.o.Clock().UTC(), ""
		}
		data, err := store.Encode(old)
		if err != nil {
			return err
		}
		records = append(records, store.Record{Kind: store.KindItem, ID: string(name), Data: data})
		if len(records) == importBatch {
			if err := c.appendAndWait(ctx, records); err != nil {
				return err
			}
			records = records[:0]
		}
	}
	if len(records) == 0 {
		return nil
	}
	return c.appendAndWait(ctx, records)
}

// replaced are the imports of the same name that stand, without the one that takes their place.
func (c *Collector) replaced(name, by string) (ids []string, err error) {
	err = c.batches(func(b Batch) bool {
		if b.Name == name && b.Undone == nil && b.ID != by {
			ids = append(ids, b.ID)
		}
		return true
	})
	return ids, err
}

// foldUndone forgets the ids of an import that was taken back.
func (f folder) foldUndone(w writer, id string) error {
	runs, err := w.Get(prefixed(batchGroupsPrefix, []byte(id)))
	if err != nil {
		return err
	}
	for runs = slices.Clone(runs); len(runs) >= 16; runs = runs[16:] {
		for n := binary.BigEndian.Uint64(runs); n <= binary.BigEndian.Uint64(runs[8:]); n++ {
			b, err := w.Get(groupKey(n))
			if err != nil {
				return err
			}
			if len(b) < 8 {
				continue // forgotten before
			}
			if err := forgetGroup(w, n, b[8:]); err != nil {
				return err
			}
		}
	}
	w.Delete(prefixed(batchGroupsPrefix, []byte(id)))
	return nil
}

// noteGroup remembers that a group of ids came with an import: as runs of groups, the first and the last of each.
func noteGroup(w writer, id string, group uint64) error {
	key := prefixed(batchGroupsPrefix, []byte(id))
	runs, err := w.Get(key)
	if err != nil {
		return err
	}
	runs = slices.Clone(runs)
	if at := len(runs) - 8; at >= 0 && binary.BigEndian.Uint64(runs[at:])+1 == group {
		binary.BigEndian.PutUint64(runs[at:], group)
	} else {
		runs = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(runs, group), group)
	}
	w.Set(key, runs)
	return nil
}
