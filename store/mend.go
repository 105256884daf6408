package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"bellwether/store/blocks"
)

// mend makes a stream's files whole, so that the server finds nothing to cut, and remembers
// what is lost. What it replaces is kept aside.
func (g *guard) mend(x *examined) error {
	var kept []string
	changed, err := g.mendMeta(x)
	if err != nil {
		return err
	}
	if x.kind == keyStream {
		restored, k, err := g.restoreSpare(x)
		if err != nil {
			return err
		}
		changed, kept = changed || restored, append(kept, k...)
	}
	k, err := g.mendBlocks(x)
	if err != nil {
		return err
	}
	kept = append(kept, k...)
	if added, err := g.mendEnd(x); err != nil {
		return err
	} else if changed = changed || added || len(kept) > 0 || len(x.gaps) > 0; !changed && !x.listed {
		if err := g.secure(x); err != nil {
			return err
		}
	}
	if changed || !x.listed { // it may tell of a message that failed to be stored; it is made anew from the blocks
		if err := remove(filepath.Join(g.messages(x.stream), blocks.Index)); err != nil {
			return err
		}
	}
	g.report(x)
	g.remember(x)
	var losses []Loss
	for _, m := range x.gaps {
		l := g.describe(x, m)
		l.Kept = kept
		losses = append(losses, l)
	}
	if len(losses) > 0 {
		return g.lost(losses...)
	}
	return nil
}

// report says what was found in the log.
func (g *guard) report(x *examined) {
	for _, f := range x.found {
		if f.Damage {
			g.log.Error("a stored file is damaged", "stream", f.Stream, "file", f.File, "what", f.What)
		} else {
			g.log.Warn("a stored file was not left in order", "stream", f.Stream, "file", f.File, "what", f.What)
		}
	}
}

// remember notes the blocks that are known to be whole now, and those that are checked later.
func (g *guard) remember(x *examined) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sound[x.stream] == nil {
		g.sound[x.stream] = map[uint32]checked{}
	}
	g.later[x.stream] = nil
	for i := range x.blocks {
		b := &x.blocks[i]
		if b.read && b.whole {
			g.sound[x.stream][b.Index] = checked{size: b.Size, changed: b.Changed, runs: b.runs}
		}
		if _, ok := g.sound[x.stream][b.Index]; ok {
			continue
		}
		later := blockSeen{Index: b.Index, Size: b.Size}
		if len(b.runs) == 1 {
			later.First, later.Last = b.runs[0].First, b.runs[0].Last
		}
		g.later[x.stream] = append(g.later[x.stream], later)
	}
}

// mendMeta puts the second copy of the configuration back when the first is damaged.
func (g *guard) mendMeta(x *examined) (changed bool, err error) {
	if x.meta == nil {
		return false, nil
	}
	dir := filepath.Join(g.streams(), x.stream)
	if _, err := blocks.ReadMeta(g.of(x.stream)); err != nil {
		if len(x.blocks) == 0 && x.top == 0 {
			return false, nil // nothing was ever stored in it
		}
		return false, fmt.Errorf("%w: %s in %s and its second copy in %s: %w; restore the folder from a backup (bellwether restore)",
			ErrDamaged, blocks.Meta, dir, g.of(x.stream), err)
	}
	if err := makeFolder(filepath.Join(dir, blocks.Messages)); err != nil {
		return false, err
	}
	for _, name := range []string{blocks.Meta, blocks.MetaSum} {
		if _, err := g.keepAside(x.stream, filepath.Join(dir, name)); err != nil {
			return false, err
		}
		content, err := os.ReadFile(filepath.Join(g.of(x.stream), name))
		if err == nil {
			err = replaceFile(filepath.Join(dir, name), content)
		}
		if err != nil {
			return false, err
		}
	}
	x.finding(false, filepath.Join(dir, blocks.Meta), "it was put back from its second copy")
	return true, nil
}

// mendBlocks writes damaged blocks again without what is damaged.
func (g *guard) mendBlocks(x *examined) (kept []string, err error) {
	for i := range x.blocks {
		b := &x.blocks[i]
		if b.whole {
			continue
		}
		path := filepath.Join(g.messages(x.stream), blocks.Name(b.Index))
		k, err := g.keepAside(x.stream, path)
		if err != nil {
			return kept, err
		}
		kept = append(kept, k)
		upto := uint64(0)
		if i == len(x.blocks)-1 {
			upto = x.top
		}
		if err := g.rewrite(x, b, b.parsed.Mended(upto)); err != nil {
			return kept, err
		}
		x.last = max(x.last, upto)
	}
	return kept, nil
}

// rewrite replaces a block file and looks at what it is now.
func (g *guard) rewrite(x *examined, b *examinedBlock, content []byte) error {
	path := filepath.Join(g.messages(x.stream), blocks.Name(b.Index))
	if err := replaceFile(path, content); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	b.Size, b.Changed = info.Size(), info.ModTime()
	b.parsed = parseBlock(x.stream, b.Index, content)
	b.read, b.whole = true, len(b.parsed.Bad) == 0
	if x.kind == logStream {
		b.runs = runsOf(b.parsed)
	}
	return nil
}

// mendEnd adds to a stream that ends before the last sequence that was given, so that none is given twice.
func (g *guard) mendEnd(x *examined) (changed bool, err error) {
	if x.last >= x.top {
		return false, nil
	}
	if len(x.blocks) == 0 {
		index := uint32(1)
		if len(x.absent) > 0 {
			index = slices.Max(x.absent) + 1
		}
		if err := makeFolder(g.messages(x.stream)); err != nil {
			return false, err
		}
		x.blocks = append(x.blocks, examinedBlock{File: blocks.File{Index: index}, parsed: parseBlock(x.stream, index, nil)})
	}
	b := &x.blocks[len(x.blocks)-1]
	if err := g.rewrite(x, b, b.parsed.Mended(x.top)); err != nil {
		return false, err
	}
	x.last = x.top
	return true, nil
}

// secure writes the last block once more after a stop that was not in order: if a sync failed
// before it, the block may be in memory and not on disk, and another sync would not tell.
func (g *guard) secure(x *examined) error {
	if len(x.blocks) == 0 {
		return nil
	}
	b := &x.blocks[len(x.blocks)-1]
	path := filepath.Join(g.messages(x.stream), blocks.Name(b.Index))
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return g.rewrite(x, b, content)
}

// keepAside copies a file to the folder of damaged files; "" when there is no such file.
func (g *guard) keepAside(stream, path string) (kept string, err error) {
	if !exists(path) {
		return "", nil
	}
	if g.kept == "" {
		g.kept = filepath.Join(g.dir, damagedFolder, time.Now().UTC().Format("20060102T150405.000000000Z"))
	}
	dir := filepath.Join(g.kept, stream)
	if err := makeFolder(dir); err != nil {
		return "", err
	}
	kept = filepath.Join(dir, filepath.Base(path))
	for n := 1; exists(kept); n++ {
		kept = filepath.Join(dir, fmt.Sprintf("%s.%d", filepath.Base(path), n))
	}
	if err := copyFile(kept, path); err != nil {
		return "", fmt.Errorf("keeping %s aside: %w", path, err)
	}
	return kept, SyncFolder(dir)
}

// remove removes a file that may be absent.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
