package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bellwether/store/blocks"
)

// A [Depot] of backups holds
//
//	FORMAT              one line: "bellwether backup 1"
//	copies/TIME.json    one copy: its files with their digests
//	blobs/AB/ABCD…      the files' contents, each once, by their SHA-256 in hex
//
// A copy takes room for what is new since the last one only.
const (
	backupFormat = "bellwether backup 1\n"
	copyTime     = "20060102T150405.000Z"
	copyRounds   = 50 // of objects and keys, until no object changed meanwhile
)

// Copy is one backup of a folder.
type Copy struct {
	Made    time.Time    `json:"made"`
	Files   []CopiedFile `json:"files"`
	Streams []CopiedLast `json:"streams"`
	New     int64        `json:"new_bytes"` // that were not in an earlier copy
}

// CopiedFile is a file of a copy. Path is relative to the data folder.
type CopiedFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`

	// Of a full block of a log, which never changes: when it was written, and its sequences, if they have no gap.
	Changed time.Time `json:"changed,omitzero"`
	First   uint64    `json:"first,omitempty"`
	Last    uint64    `json:"last,omitempty"`
}

// CopiedLast is the last sequence of a stream in a copy.
type CopiedLast struct {
	Stream string `json:"stream"`
	Last   uint64 `json:"last"`
}

// Backup copies the folder dir to the backups in to, also while a program serves from dir: the copy is what a
// program that was stopped at one moment would have left. It returns ErrDamaged when dir lacks something, and then makes no copy.
func Backup(ctx context.Context, dir string, to Depot) (c Copy, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return c, err
	}
	if !exists(filepath.Join(dir, natsFolder)) {
		return c, fmt.Errorf("%w: no data in %s", ErrNotFound, dir)
	}
	b := &backup{dir: dir, to: to, guard: newGuard(dir, slog.New(slog.DiscardHandler)), known: map[string]CopiedFile{}, read: map[string]copiedBlock{}, written: map[string]int64{}}
	locked, release, err := to.lock(ctx)
	if err != nil {
		return c, fmt.Errorf("opening the backups in %s: %w", to, err)
	}
	defer release()
	if err := b.open(locked); err != nil {
		return c, fmt.Errorf("opening the backups in %s: %w", to, err)
	}
	b.copy.Made = time.Now().UTC().Truncate(time.Millisecond)
	if err := b.run(locked); err != nil {
		if locked.Err() != nil {
			err = errors.Join(err, context.Cause(locked))
		}
		return c, fmt.Errorf("copying %s to %s: %w", dir, to, err)
	}
	return b.copy, nil
}

// backup is one run of Backup.
type backup struct {
	dir     string
	to      Depot
	guard   *guard
	there   map[string]int64       // sizes of the contents that are kept, by name
	known   map[string]CopiedFile  // of the last copy, by path
	read    map[string]copiedBlock // in this run, by path
	quick   bool                   // contents wait in memory until the round agrees
	waiting map[string][]byte      // by digest
	written map[string]int64       // bytes of contents that were stored in this run, by digest
	copy    Copy
}

// copiedBlock is a block as it was when it was copied.
type copiedBlock struct {
	blocks.File
	copied CopiedFile
	runs   []gap
}

// open reads what is kept and the last copy.
func (b *backup) open(ctx context.Context) error {
	text, err := b.to.get(ctx, "FORMAT")
	if errors.Is(err, ErrNotFound) {
		text, err = []byte(backupFormat), b.to.put(ctx, "FORMAT", []byte(backupFormat))
	}
	if err == nil && string(text) != backupFormat {
		err = fmt.Errorf("%w: FORMAT in %s says %q, this program reads %q", ErrNewerFormat, b.to, text, backupFormat)
	}
	if err != nil {
		return err
	}
	if b.there, err = b.to.list(ctx, "blobs"); err != nil {
		return err
	}
	names, err := copyNames(ctx, b.to)
	if err != nil || len(names) == 0 {
		return err
	}
	last, err := readCopy(ctx, b.to, names[len(names)-1])
	for _, f := range last.Files {
		b.known[f.Path] = f
	}
	return err
}

// copyNames are the names of the copies, oldest first.
func copyNames(ctx context.Context, from Depot) ([]string, error) {
	sizes, err := from.list(ctx, "copies")
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(sizes))
	return slices.DeleteFunc(names, func(name string) bool { return path.Ext(name) != ".json" }), nil
}

func readCopy(ctx context.Context, from Depot, name string) (c Copy, err error) {
	content, err := from.get(ctx, name)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(content, &c); err != nil {
		return c, fmt.Errorf("%w: reading %s of %s: %w", ErrDamaged, name, from, err)
	}
	return c, nil
}

// Copies lists the copies in a depot, oldest first.
func Copies(ctx context.Context, from Depot) ([]Copy, error) {
	names, err := copyNames(ctx, from)
	if err != nil {
		return nil, err
	}
	copies := make([]Copy, len(names))
	for i, name := range names {
		if copies[i], err = readCopy(ctx, from, name); err != nil {
			return nil, err
		}
	}
	return copies, nil
}

func (c *Copy) name() string { return "copies/" + c.Made.Format(copyTime) + ".json" }

// run copies objects and the keys that name them, then the logs, which know at least what those
// have seen.
func (b *backup) run(ctx context.Context) error {
	entries, err := os.ReadDir(b.guard.streams())
	if err != nil {
		return err
	}
	of := map[streamKind][]string{}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			of[kindOf(e.Name())] = append(of[kindOf(e.Name())], e.Name())
		}
	}
	if err := b.agreeing(ctx, of[objectStream], of[keyStream]); err != nil {
		return err
	}
	for _, kind := range []streamKind{otherStream, logStream} {
		if err := b.streams(ctx, of[kind]); err != nil {
			return err
		}
	}
	for _, path := range []string{"FORMAT", "config.yaml", filepath.Join(guardFolder, "losses.json")} {
		if err := b.plain(ctx, path); err != nil {
			return err
		}
	}
	if err := b.tidy(ctx); err != nil {
		return err
	}
	slices.SortFunc(b.copy.Files, func(x, y CopiedFile) int { return cmp.Compare(x.Path, y.Path) })
	slices.SortFunc(b.copy.Streams, func(x, y CopiedLast) int { return cmp.Compare(x.Stream, y.Stream) })
	content, err := json.MarshalIndent(b.copy, "", "\t")
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return b.to.put(ctx, b.copy.name(), content)
}

// agreeing copies objects, then keys, until no object changed meanwhile: keys name no object then
// that is not copied.
func (b *backup) agreeing(ctx context.Context, objects, keys []string) error {
	for round := range copyRounds {
		b.quick, b.waiting = round > 0, map[string][]byte{} // the first round copies most of it
		before, err := b.look(objects)
		if err != nil {
			return err
		}
		if err := errors.Join(b.streams(ctx, objects), b.streams(ctx, keys)); err != nil {
			return err
		}
		after, err := b.look(objects)
		if err != nil {
			return err
		}
		if slices.Equal(before, after) {
			return b.flush(ctx)
		}
	}
	return fmt.Errorf("%w: objects changed all the time while they were copied; try again later", ErrUnavailable)
}

// tidy removes contents that a round stored and a later one replaced.
func (b *backup) tidy(ctx context.Context) error {
	for _, f := range b.copy.Files {
		b.copy.New += b.written[f.SHA256]
		delete(b.written, f.SHA256)
	}
	for sum := range b.written {
		if err := b.to.remove(ctx, blobName(sum)); err != nil {
			return err
		}
	}
	return nil
}

// flush stores the contents that waited.
func (b *backup) flush(ctx context.Context) error {
	b.quick = false
	for sum, content := range b.waiting {
		if err := b.store(ctx, sum, content); err != nil {
			return err
		}
	}
	return nil
}

// look lists the block files of streams.
func (b *backup) look(streams []string) (all []blocks.File, err error) {
	for _, name := range streams {
		files, err := blocks.List(b.guard.messages(name))
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	return all, nil
}

func (b *backup) streams(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := b.stream(ctx, name); err != nil {
			return fmt.Errorf("stream %s: %w", name, err)
		}
	}
	return nil
}

// stream copies a stream's configuration and whole records, in place of an earlier round's.
func (b *backup) stream(ctx context.Context, name string) error {
	folder, err := filepath.Rel(b.dir, filepath.Join(b.guard.streams(), name))
	if err != nil {
		return err
	}
	b.copy.Files = slices.DeleteFunc(b.copy.Files, func(f CopiedFile) bool { return strings.HasPrefix(f.Path, folder+string(filepath.Separator)) })
	b.copy.Streams = slices.DeleteFunc(b.copy.Streams, func(s CopiedLast) bool { return s.Stream == name })
	config, err := blocks.ReadMeta(filepath.Join(b.dir, folder))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	mark, created, _ := readSeqMark(filepath.Join(b.guard.of(name), "mark")) // before the blocks: a serving program adds to both
	for _, file := range []string{blocks.Meta, blocks.MetaSum} {
		if err := b.plain(ctx, filepath.Join(folder, file)); err != nil {
			return err
		}
	}
	files, err := blocks.List(b.guard.messages(name))
	if err != nil {
		return err
	}
	var runs []gap
	var last uint64
	for i, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, err := b.block(ctx, name, filepath.Join(folder, blocks.Messages, blocks.Name(f.Index)), f, i == len(files)-1)
		if err != nil {
			return err
		}
		runs = append(runs, got...)
		for _, r := range got {
			last = max(last, r.Last)
		}
	}
	if created == config.Created.UnixNano() && last < mark {
		return fmt.Errorf("%w: it ends at %d and not at %d: run bellwether doctor", ErrDamaged, last, mark)
	}
	if x := (&examined{stream: name, kind: kindOf(name)}); x.kind == logStream && last > 0 {
		if err := b.guard.recall(&Report{}); err != nil {
			return err
		}
		if gaps := without([]gap{{1, last}}, append(runs, b.guard.gapsOf(x.project())...)); len(gaps) > 0 {
			return fmt.Errorf("%w: batches %d to %d are gone: run bellwether doctor", ErrDamaged, gaps[0].First, gaps[0].Last)
		}
	}
	b.copy.Streams = append(b.copy.Streams, CopiedLast{name, last})
	return nil
}

// block copies one block and returns what it holds: the sequences of a log, else the last.
func (b *backup) block(ctx context.Context, stream, path string, f blocks.File, end bool) (runs []gap, err error) {
	if old, ok := b.read[path]; ok && old.Size == f.Size && old.Changed.Equal(f.Changed) {
		b.copy.Files = append(b.copy.Files, old.copied)
		return old.runs, nil
	}
	full := kindOf(stream) == logStream && !end
	if old := b.known[filepath.ToSlash(path)]; full && old.First > 0 && old.Size == f.Size && old.Changed.Equal(f.Changed) && b.kept(old) {
		b.copy.Files = append(b.copy.Files, old)
		return []gap{{old.First, old.Last}}, nil
	}
	content, err := os.ReadFile(filepath.Join(b.dir, path))
	if errors.Is(err, fs.ErrNotExist) && kindOf(stream) != logStream {
		return nil, nil // all of it was replaced or deleted meanwhile
	}
	if err != nil {
		return nil, err
	}
	parsed := parseBlock(stream, f.Index, content)
	for _, bad := range parsed.Bad {
		if !end || !bad.Torn {
			return nil, fmt.Errorf("%w: %d bytes of %s at %d: run bellwether doctor", ErrDamaged, bad.Length, path, bad.Offset)
		}
		content = content[:bad.Offset] // a write that is under way
	}
	if runs = runsOf(parsed); kindOf(stream) != logStream {
		_, last := parsed.Range()
		runs = []gap{{last, last}}
	}
	if err := b.keep(ctx, path, content); err != nil {
		return nil, err
	}
	kept := &b.copy.Files[len(b.copy.Files)-1]
	if full && len(runs) == 1 {
		kept.Changed, kept.First, kept.Last = f.Changed, runs[0].First, runs[0].Last
	}
	if int64(len(content)) == f.Size && !b.quick { // else it grew meanwhile, or is not stored yet
		b.read[path] = copiedBlock{f, *kept, runs}
	}
	return runs, nil
}

// plain copies a small file, if it is there.
func (b *backup) plain(ctx context.Context, path string) error {
	content, err := os.ReadFile(filepath.Join(b.dir, path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return b.keep(ctx, path, content)
}

// kept reports whether the content of a file of the last copy is still there.
func (b *backup) kept(f CopiedFile) bool {
	size, ok := b.there[blobName(f.SHA256)]
	return ok && size == f.Size
}

// keep stores a content, if no earlier copy has it.
func (b *backup) keep(ctx context.Context, path string, content []byte) error {
	sum := sha256.Sum256(content)
	f := CopiedFile{Path: filepath.ToSlash(path), Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	b.copy.Files = append(b.copy.Files, f)
	if b.known[f.Path].SHA256 == f.SHA256 && b.kept(f) {
		return nil
	}
	if b.quick {
		b.waiting[f.SHA256] = content
		return nil
	}
	return b.store(ctx, f.SHA256, content)
}

// store writes a content, if it is not there.
func (b *backup) store(ctx context.Context, sum string, content []byte) error {
	name := blobName(sum)
	if size, ok := b.there[name]; ok && b.to.holds(name, size, content) {
		return nil
	}
	b.written[sum] = int64(len(content))
	if err := b.to.put(ctx, name, content); err != nil {
		return err
	}
	b.there[name] = int64(len(content))
	return nil
}

func blobName(sum string) string { return "blobs/" + sum[:2] + "/" + sum }

// Prune removes all copies but the newest keep, and the contents that no copy holds any more.
func Prune(ctx context.Context, to Depot, keep int) error {
	ctx, release, err := to.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	copies, err := Copies(ctx, to)
	if err != nil || len(copies) <= keep {
		return err
	}
	used := map[string]bool{}
	for i, c := range copies {
		if i < len(copies)-keep {
			if err := to.remove(ctx, c.name()); err != nil {
				return err
			}
			continue
		}
		for _, f := range c.Files {
			used[blobName(f.SHA256)] = true
		}
	}
	blobs, err := to.list(ctx, "blobs")
	if err != nil {
		return err
	}
	for name := range blobs {
		if !used[name] {
			if err := errors.Join(ctx.Err(), to.remove(ctx, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
