package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"bellwether"

	"github.com/cockroachdb/pebble/v2"
)

// Report is what Check found in a folder.
type Report struct {
	Folder   string         `json:"folder"`
	Serving  bool           `json:"serving"` // a program has it open: what that program alone can read was left out
	Streams  []StreamReport `json:"streams"`
	Findings []Finding      `json:"findings"`
	Losses   []Loss         `json:"losses"` // known from earlier, accepted or not
}

// StreamReport counts what a stream's folder holds.
type StreamReport struct {
	Stream string `json:"stream"`
	Blocks int    `json:"blocks"`
	Bytes  int64  `json:"bytes"`
	Last   uint64 `json:"last"` // sequence
}

// Damaged reports whether something is lost or wrong that nobody has accepted.
func (r Report) Damaged() bool {
	for _, f := range r.Findings {
		if f.Damage {
			return true
		}
	}
	for _, l := range r.Losses {
		if l.Accepted.IsZero() {
			return true
		}
	}
	return false
}

// Check reads every stored file of the folder and says what is damaged or missing. It changes
// nothing, and works beside a program that serves from the folder.
func Check(ctx context.Context, dir string) (r Report, err error) {
	r = Report{Streams: []StreamReport{}, Findings: []Finding{}, Losses: []Loss{}}
	if r.Folder, err = filepath.Abs(dir); err != nil {
		return r, err
	}
	if !exists(filepath.Join(r.Folder, "FORMAT")) && !exists(filepath.Join(r.Folder, natsFolder)) {
		return r, fmt.Errorf("%w: no data in %s", ErrNotFound, r.Folder)
	}
	lock, err := lockFolder(r.Folder)
	if r.Serving = errors.Is(err, ErrLocked); err != nil && !r.Serving {
		return r, err
	}
	if lock != nil {
		defer lock.Close()
	}
	if !exists(filepath.Join(r.Folder, "FORMAT")) {
		r.Findings = append(r.Findings, Finding{File: filepath.Join(r.Folder, "FORMAT"), What: "it is missing", Damage: true})
	} else if _, err := checkFormat(r.Folder); err != nil {
		r.Findings = append(r.Findings, Finding{File: filepath.Join(r.Folder, "FORMAT"), What: err.Error(), Damage: true})
	}
	g := newGuard(r.Folder, slog.New(slog.DiscardHandler))
	if err := g.recall(&r); err != nil {
		return r, err
	}
	if !r.Serving {
		release := checkViews(&r, g)
		defer release()
	}
	return r, g.survey(ctx, &r)
}

// recall reads what the guard remembers, as far as it is readable.
func (g *guard) recall(r *Report) error {
	if err := readJSON(g.statePath(), &g.state); err != nil {
		r.Findings = append(r.Findings, Finding{File: g.statePath(), What: err.Error() + "; it is made anew at the next stop"})
		g.state = guardState{}
	}
	if err := readJSON(g.lossesPath(), &g.losses); err != nil {
		r.Findings = append(r.Findings, Finding{File: g.lossesPath(), What: err.Error(), Damage: true})
		g.losses = nil
	}
	r.Losses = append(r.Losses, g.losses...)
	return nil
}

// survey examines every stream.
func (g *guard) survey(ctx context.Context, r *Report) error {
	names, err := g.streamNames()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		x, err := g.examine(name, true)
		if err != nil {
			return fmt.Errorf("looking at stream %s: %w", name, err)
		}
		s := StreamReport{Stream: name, Blocks: len(x.blocks), Last: x.last}
		for _, b := range x.blocks {
			s.Bytes += b.Size
		}
		if x.kind == objectStream {
			if err := g.checkObjects(r, name); err != nil {
				return err
			}
		}
		r.Streams, r.Findings = append(r.Streams, s), append(r.Findings, x.found...)
	}
	return nil
}

// checkViews reads the views' files and lets the guard ask them how far the logs went. The
// result closes them.
func checkViews(r *Report, g *guard) (release func()) {
	none := func() {}
	numbers, err := viewFolders(r.Folder)
	if err != nil || len(numbers) == 0 {
		return none
	}
	closed, cancel := context.WithCancel(context.Background())
	cancel() // a closed store's: damaged views get no successor
	v := &views{dir: r.Folder, log: g.log, open: closed, cache: pebble.NewCache(8 << 20)}
	number := numbers[len(numbers)-1]
	if !exists(v.folder(number)) {
		v.cache.Unref()
		return none
	}
	damaged := func(err error) {
		r.Findings = append(r.Findings, Finding{File: v.folder(number), What: fmt.Sprintf("the views' files are damaged (%v): they are folded again from the log at the next start", err)})
	}
	i, err := v.openIn(number, true)
	if err != nil {
		damaged(err)
		v.cache.Unref()
		return none
	}
	if err := readAll(i); err != nil || i.alive.Err() != nil {
		damaged(err)
	} else {
		g.witness = func(id bellwether.ProjectID) (uint64, int64) { return v.witness(id) }
	}
	v.now.Store(i)
	return func() {
		_ = apart(i.DB.Close)
		v.cache.Unref()
	}
}

// readAll reads every key, which checks the checksums of all blocks.
func readAll(i *instance) error {
	return apart(func() error {
		all, err := i.NewIter(nil)
		if err != nil {
			return err
		}
		for ok := all.First(); ok; ok = all.Next() {
			if _, err := all.ValueAndErr(); err != nil {
				return errors.Join(err, all.Close())
			}
		}
		return errors.Join(all.Error(), all.Close())
	})
}
