package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"bellwether/store/blocks"
)

// Keys have a second copy of their blocks in the guard's folder, at most a second old while
// the program runs: they are few and small, and everything hangs on them. The newest message of a key
// is what counts and the server keeps no more than kvHistory of them, so that a message too many
// does no harm: what either copy has is put together.

// copySpare brings the second copy up to date.
func (g *guard) copySpare(stream string) error {
	from, to := g.messages(stream), g.of(stream)
	if err := makeFolder(to); err != nil {
		return err
	}
	files, err := blocks.List(from)
	if err != nil {
		return err
	}
	copies, err := blocks.List(to)
	if err != nil {
		return err
	}
	changed := false
	for _, f := range files {
		if slices.ContainsFunc(copies, func(c blocks.File) bool {
			return c.Index == f.Index && c.Size == f.Size && c.Changed.Equal(f.Changed)
		}) {
			continue
		}
		if err := copySpareBlock(stream, to, from, f); err != nil {
			return err
		}
		changed = true
	}
	if err := dropSpares(stream, to, files, copies); err != nil || !changed {
		return err
	}
	return SyncFolder(to)
}

// copySpareBlock copies one block that is whole; a damaged one must not take the place of a good copy.
func copySpareBlock(stream, to, from string, f blocks.File) error {
	name := blocks.Name(f.Index)
	content, err := os.ReadFile(filepath.Join(from, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the server removed it meanwhile
	}
	if err != nil {
		return err
	}
	if parsed := parseBlock(stream, f.Index, content); slices.ContainsFunc(parsed.Bad, func(b blocks.Bad) bool { return !b.Torn }) {
		return nil
	}
	if err := replaceFile(filepath.Join(to, name), content); err != nil {
		return err
	}
	return os.Chtimes(filepath.Join(to, name), f.Changed, f.Changed) // by which the next look knows it
}

// dropSpares removes copies of blocks that are gone because newer messages took the place of all theirs.
func dropSpares(stream, dir string, files, copies []blocks.File) error {
	var gone []uint32
	for _, c := range copies {
		if !slices.ContainsFunc(files, func(f blocks.File) bool { return f.Index == c.Index }) {
			gone = append(gone, c.Index)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	needed, err := neededSpares(stream, dir, gone)
	if err != nil {
		return err
	}
	for _, index := range gone {
		if !slices.Contains(needed, index) {
			if err := remove(filepath.Join(dir, blocks.Name(index))); err != nil {
				return err
			}
		}
	}
	return nil
}

// neededSpares returns those of the blocks that hold one of the newest kvHistory messages of a key.
func neededSpares(stream, dir string, candidates []uint32) (needed []uint32, err error) {
	copies, err := blocks.List(dir)
	if err != nil {
		return nil, err
	}
	newer := map[string]int{}
	for _, c := range slices.Backward(copies) {
		b, err := readBlock(stream, dir, c.Index)
		if err != nil {
			return nil, err
		}
		needs := false
		for i := len(b.Records) - 1; i >= 0; i-- {
			if r := &b.Records[i]; r.Message() {
				newer[string(r.Subject)]++
				needs = needs || newer[string(r.Subject)] <= kvHistory
			}
		}
		if needs && slices.Contains(candidates, c.Index) {
			needed = append(needed, c.Index)
		}
	}
	return needed, nil
}

// restoreSpare puts back what only the second copy has.
func (g *guard) restoreSpare(x *examined) (changed bool, kept []string, err error) {
	dir := g.of(x.stream)
	copies, err := blocks.List(dir)
	if err != nil {
		return false, nil, err
	}
	var gone []uint32
	for _, c := range copies {
		i := slices.IndexFunc(x.blocks, func(b examinedBlock) bool { return b.Index == c.Index })
		if i < 0 {
			gone = append(gone, c.Index)
			continue
		}
		put, k, err := g.restoreBlock(x, &x.blocks[i], dir)
		if err != nil {
			return changed, kept, err
		}
		changed, kept = changed || put, append(kept, k...)
	}
	if len(gone) == 0 {
		return changed, kept, nil
	}
	needed, err := neededSpares(x.stream, dir, gone)
	if err != nil {
		return changed, kept, err
	}
	if len(needed) > 0 {
		if err := makeFolder(g.messages(x.stream)); err != nil {
			return changed, kept, err
		}
	}
	for _, index := range needed {
		b := examinedBlock{File: blocks.File{Index: index}, parsed: parseBlock(x.stream, index, nil)}
		if _, _, err := g.restoreBlock(x, &b, dir); err != nil {
			return changed, kept, err
		}
		x.blocks, changed = append(x.blocks, b), true
	}
	slices.SortFunc(x.blocks, func(a, b examinedBlock) int { return int(a.Index) - int(b.Index) })
	if n := len(x.blocks); n > 0 {
		_, last := x.blocks[n-1].parsed.Range()
		x.last = max(x.last, last)
	}
	return changed, kept, nil
}

// restoreBlock writes a block with what either copy of it has.
func (g *guard) restoreBlock(x *examined, b *examinedBlock, dir string) (changed bool, kept []string, err error) {
	second, err := readBlock(x.stream, dir, b.Index)
	if err != nil {
		return false, nil, err
	}
	content, added := blocks.Union(b.parsed, second)
	if added == 0 { // what is wrong with it otherwise is mended as in any stream
		return false, nil, nil
	}
	path := filepath.Join(g.messages(x.stream), blocks.Name(b.Index))
	k, err := g.keepAside(x.stream, path)
	if err != nil {
		return false, nil, err
	}
	if k != "" {
		kept = append(kept, k)
	}
	if err := g.rewrite(x, b, content); err != nil {
		return false, kept, err
	}
	x.finding(false, path, "%d records were put back from its second copy", added)
	_, last := b.parsed.Range()
	x.last = max(x.last, last)
	return true, kept, nil
}
