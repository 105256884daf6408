package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bellwether/store/blocks"
)

const (
	markEvery   = time.Second
	patrolShare = 4 // of the time that it checks, the patrol rests this many times as long
	patrolPause = 5 * time.Millisecond
)

// adopt takes up a stream that the project has opened: it remembers its configuration and
// opens its mark.
func (g *guard) adopt(stream string, created time.Time) error {
	dir := g.of(stream)
	if err := makeFolder(dir); err != nil {
		return err
	}
	for _, name := range []string{blocks.Meta, blocks.MetaSum} {
		content, err := os.ReadFile(filepath.Join(g.streams(), stream, name))
		if err != nil {
			return err
		}
		if same, err := os.ReadFile(filepath.Join(dir, name)); err == nil && string(same) == string(content) {
			continue
		}
		if err := replaceFile(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	root := &settled{dir: g.messages(stream)}
	for at := g.messages(stream); at != filepath.Dir(g.dir); at = filepath.Dir(at) { // the server does not
		if err := SyncFolder(at); err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.marks[stream] != nil {
		return nil
	}
	m, err := openSeqMark(filepath.Join(dir, "mark"), created)
	if err != nil {
		return err
	}
	g.marks[stream], g.roots[stream] = m, root
	return nil
}

// acknowledged must return nil before the caller hears that the stream stored the sequence: the
// file that holds it lasts then, and its end would be missed.
func (g *guard) acknowledged(stream string, sequence uint64) error {
	g.mu.Lock()
	m, root := g.marks[stream], g.roots[stream]
	g.mu.Unlock()
	if root == nil {
		return nil // an external server's
	}
	if err := root.sync(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := m.advance(sequence); err != nil {
		g.log.Warn("the mark of a stream was not written", "stream", stream, "error", err)
	}
	if kindOf(stream) == keyStream {
		select {
		case g.spare <- stream:
		default: // the next second's copy brings it
		}
	}
	return nil
}

// tend syncs the marks and copies keys until ctx ends.
func (g *guard) tend(ctx context.Context) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	changed := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case stream := <-g.spare:
			changed[stream] = true
			continue
		case <-tick.C:
		}
		g.mu.Lock()
		marks := make([]*seqMark, 0, len(g.marks))
		for _, m := range g.marks {
			marks = append(marks, m)
		}
		g.mu.Unlock()
		for _, m := range marks {
			if err := m.sync(); err != nil {
				g.log.Warn("a mark was not synced", "file", m.path, "error", err)
			}
		}
		for stream := range changed {
			if err := g.copySpare(stream); err != nil {
				g.log.Warn("the second copy of keys was not written", "stream", stream, "error", err)
				continue
			}
			delete(changed, stream)
		}
	}
}

// patrol checks the blocks that were not read before the server started, slowly and those of
// objects first, and calls damaged with each stream of which one is damaged.
func (g *guard) patrol(ctx context.Context, damaged func(stream string)) {
	g.mu.Lock()
	names := slices.Collect(maps.Keys(g.later))
	g.mu.Unlock()
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(-cmp.Compare(kindOf(a), kindOf(b)), strings.Compare(a, b))
	})
	for _, name := range names {
		whole, err := g.check(ctx, name, 0, ^uint64(0), true)
		if ctx.Err() != nil {
			return // the store is being closed
		}
		if err != nil {
			g.log.Warn("stored files are not checked", "stream", name, "error", err)
		} else if !whole {
			damaged(name)
		}
	}
}

// check reads the blocks of the stream that hold sequences from … to and were not checked in this
// process, all of them when it does not know what they hold. It reports whether they are whole.
func (g *guard) check(ctx context.Context, stream string, from, to uint64, slowly bool) (whole bool, err error) {
	pending := g.unchecked(stream, from, to)
	for _, b := range pending {
		began := time.Now()
		whole, err := g.checkBlock(stream, b)
		if err != nil || !whole {
			return whole, err
		}
		if slowly && !sleep(ctx, patrolPause+patrolShare*time.Since(began)) {
			return true, nil
		}
	}
	return true, ctx.Err()
}

// unchecked lists the blocks that check must read.
func (g *guard) unchecked(stream string, from, to uint64) (pending []blockSeen) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range g.later[stream] {
		if _, ok := g.sound[stream][b.Index]; ok {
			continue
		}
		if b.Last == 0 || b.First <= to && b.Last >= from {
			pending = append(pending, b)
		}
	}
	return pending
}

func (g *guard) checkBlock(stream string, b blockSeen) (whole bool, err error) {
	g.use.RLock() // a server that fails to start removes files, which come back
	defer g.use.RUnlock()
	path := filepath.Join(g.messages(stream), blocks.Name(b.Index))
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if kindOf(stream) == logStream {
			return false, nil
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.sound[stream][b.Index] = checked{} // the server removed it
		return true, nil
	}
	if err != nil {
		return false, err
	}
	parsed, err := readBlock(stream, g.messages(stream), b.Index)
	if err != nil {
		return false, err
	}
	if len(parsed.Bad) > 0 {
		return false, nil
	}
	c := checked{size: info.Size(), changed: info.ModTime()}
	if kindOf(stream) == logStream {
		c.runs = runsOf(parsed)
		if b.Last > 0 && (len(c.runs) != 1 || c.runs[0] != gap{b.First, b.Last}) {
			return false, nil // whole records, but not those that were there
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sound[stream][b.Index] = c
	return true, nil
}
