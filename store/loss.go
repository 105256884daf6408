package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bellwether"
)

// Loss is batches of a project's log that were stored and are gone: their file was damaged,
// cut or deleted.
type Loss struct {
	Project  bellwether.ProjectID `json:"project"`
	First    uint64               `json:"first"`             // sequence of the first batch that is gone
	Last     uint64               `json:"last"`              // and of the last
	After    time.Time            `json:"after,omitzero"`    // when the batch before them was stored; zero: they are the log's first
	Before   time.Time            `json:"before,omitzero"`   // when the batch after them was stored; zero: they are the log's last
	Records  int                  `json:"records,omitempty"` // about how many, by the batches beside them; 0: not known
	Kept     []string             `json:"kept,omitempty"`    // damaged files, as they were found
	Found    time.Time            `json:"found"`
	Accepted time.Time            `json:"accepted,omitzero"` // when someone went on without them
}

// Batches returns how many batches are gone.
func (l Loss) Batches() uint64 { return l.Last - l.First + 1 }

// String says what is gone.
func (l Loss) String() string {
	var b strings.Builder
	if fmt.Fprintf(&b, "batches %d to %d of the log of project %s are gone", l.First, l.Last, l.Project); l.Records > 0 {
		fmt.Fprintf(&b, ", about %d records", l.Records)
	}
	switch after, before := l.After.UTC().Format(time.RFC3339), l.Before.UTC().Format(time.RFC3339); {
	case !l.After.IsZero() && !l.Before.IsZero():
		fmt.Fprintf(&b, ", stored between %s and %s", after, before)
	case !l.After.IsZero():
		fmt.Fprintf(&b, ", stored after %s", after)
	case !l.Before.IsZero():
		fmt.Fprintf(&b, ", stored before %s", before)
	}
	if len(l.Kept) > 0 {
		fmt.Fprintf(&b, "; the damaged files are kept in %s", filepath.Dir(l.Kept[0]))
	}
	return b.String()
}

// lossNotePrefix begins the id of the note that records a loss in the log; its Data is the Loss as JSON.
const lossNotePrefix = "store/loss/"

// note is the record that tells readers of the log of the loss.
func (l Loss) note() (Record, error) {
	data, err := json.Marshal(l)
	id := fmt.Sprintf("%s%d-%d-%d", lossNotePrefix, l.First, l.Last, l.Found.UnixNano())
	return Record{Kind: KindNote, ID: id, Data: data}, err
}

func (g *guard) lossesPath() string { return filepath.Join(g.dir, guardFolder, "losses.json") }

// Losses returns what is known to be gone from the project's log, in order.
func (p *Project) Losses() []Loss { return p.store.guard.lossesOf(p.ID) }

func (g *guard) lossesOf(id bellwether.ProjectID) []Loss {
	g.mu.Lock()
	defer g.mu.Unlock()
	var of []Loss
	for _, l := range g.losses {
		if l.Project == id {
			of = append(of, l)
		}
	}
	slices.SortFunc(of, func(a, b Loss) int { return int(min(a.First, b.First+1)) - int(min(b.First, a.First+1)) })
	return of
}

// gapsOf returns the sequences that are known to be gone.
func (g *guard) gapsOf(id bellwether.ProjectID) []gap {
	var gaps []gap
	for _, l := range g.lossesOf(id) {
		gaps = append(gaps, gap{l.First, l.Last})
	}
	return gaps
}

// lost remembers losses, on disk.
func (g *guard) lost(losses ...Loss) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.losses = append(g.losses, losses...)
	for _, l := range losses {
		g.log.Error("the log is damaged", "project", l.Project, "what", l.String())
	}
	return writeJSON(g.lossesPath(), g.losses)
}

// readOnly is nil, or the error of a log that waits for someone to accept what it lost.
func (p *Project) readOnly() error {
	if !p.blocked.Load() {
		return nil
	}
	var what []string
	for _, l := range p.Losses() {
		if l.Accepted.IsZero() {
			what = append(what, l.String())
		}
	}
	return fmt.Errorf("%w: %w: %s. Project %s can be read and not written: stop the program, restore the folder from a backup (bellwether restore), or go on without them (bellwether doctor --accept-loss)",
		ErrUnavailable, ErrDamaged, strings.Join(what, "; "), p.ID)
}

// ReadOnly returns nil, or, for a project whose log was damaged, the error that every change
// of it gets until AcceptLoss: an ErrDamaged that says what is missing.
func (p *Project) ReadOnly() error { return p.readOnly() }

// AcceptLoss goes on without what the log has lost: a note in the log records each loss, the views are
// folded again without it, so that it can be stored again, and the project can be written again.
func (p *Project) AcceptLoss(ctx context.Context) error {
	var notes []Record
	for _, l := range p.Losses() {
		if !l.Accepted.IsZero() {
			continue
		}
		n, err := l.note()
		if err != nil {
			return err
		}
		notes = append(notes, n)
	}
	if len(notes) == 0 {
		p.blocked.Store(false)
		return nil
	}
	chunks, err := encodeRecords(notes, p.Log.writer.limit)
	if err == nil {
		_, err = p.Log.writer.append(ctx, chunks)
	}
	if err == nil {
		err = p.store.guard.accept(p.ID, time.Now())
	}
	if err != nil {
		return fmt.Errorf("accepting the loss of project %s: %w", p.ID, err)
	}
	p.blocked.Store(false)
	return p.foldAgain(ctx)
}

// accepted counts the losses that were accepted.
func (p *Project) accepted() (n uint64) {
	for _, l := range p.Losses() {
		if !l.Accepted.IsZero() {
			n++
		}
	}
	return n
}

// foldAgain rebuilds the open views, which have folded what is gone; the others are when they are opened.
func (p *Project) foldAgain(ctx context.Context) error {
	p.mu.Lock()
	views := slices.Collect(maps.Values(p.views))
	p.mu.Unlock()
	for _, v := range views {
		if err := v.Rebuild(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (g *guard) accept(id bellwether.ProjectID, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.losses {
		if l := &g.losses[i]; l.Project == id && l.Accepted.IsZero() {
			l.Accepted = now.UTC()
			g.log.Warn("the loss was accepted", "project", id, "what", l.String())
		}
	}
	return writeJSON(g.lossesPath(), g.losses)
}

// judge blocks writing when there is a loss that nobody accepted.
func (p *Project) judge() {
	for _, l := range p.Losses() {
		if l.Accepted.IsZero() {
			p.blocked.Store(true)
		}
	}
}
