package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"bellwether"
	"bellwether/store/blocks"
)

// Finding is one thing that a check of a folder has to say.
type Finding struct {
	Stream string `json:"stream,omitempty"`
	File   string `json:"file,omitempty"`
	What   string `json:"what"`
	Damage bool   `json:"damage"` // something is lost or wrong; else it is worth knowing only
}

// examined is a stream's folder as it was found.
type examined struct {
	stream  string
	kind    streamKind
	created time.Time // zero: not known
	meta    error     // its configuration is absent or damaged
	listed  bool      // it is what it was when the last stop in order was over
	blocks  []examinedBlock
	absent  []uint32 // blocks that there were at the last stop, or have a second copy that is needed
	top     uint64   // the last sequence that there must be
	last    uint64   // the last that there is
	gaps    []gap    // of a log: sequences that are gone and were not known to be
	found   []Finding
}

// examinedBlock is a block file.
type examinedBlock struct {
	blocks.File
	read   bool          // else it is as it was at the last stop, and the patrol will read it
	parsed *blocks.Block // of the last block, of damaged ones and of keys
	runs   []gap         // sequences in a log's block
	whole  bool
	torn   bool // all that is wrong is a last write that was never finished
}

func (x *examined) finding(damage bool, file, format string, a ...any) {
	x.found = append(x.found, Finding{Stream: x.stream, File: file, What: fmt.Sprintf(format, a...), Damage: damage})
}

// examine looks at a stream's files without changing them. With all it reads every block, else
// those only that the server will read at its start.
func (g *guard) examine(stream string, all bool) (*examined, error) {
	x := &examined{stream: stream, kind: kindOf(stream)}
	if err := g.examineMeta(x); err != nil {
		return nil, err
	}
	files, err := blocks.List(g.messages(stream))
	if err != nil {
		return nil, err
	}
	mark, created, damaged := readSeqMark(filepath.Join(g.of(stream), "mark")) // before the blocks: a serving program adds to both
	before, known := g.state.Streams[stream]
	index, err := fileDigest(filepath.Join(g.messages(stream), blocks.Index))
	if err != nil {
		return nil, err
	}
	x.listed = g.state.Clean && known && index == before.Index && slices.EqualFunc(files, before.Blocks,
		func(f blocks.File, b blockSeen) bool { return f.Index == b.Index && f.Size == b.Size })
	for _, b := range before.Blocks {
		if !slices.ContainsFunc(files, func(f blocks.File) bool { return f.Index == b.Index }) {
			x.absent = append(x.absent, b.Index)
		}
	}
	if err := g.examineBlocks(x, files, before.Blocks, all || !x.listed); err != nil {
		return nil, err
	}
	switch {
	case damaged != nil:
		x.finding(false, filepath.Join(g.of(stream), "mark"), "%v: how far the stream went is known from the views only", damaged)
	case x.created.IsZero() || created == x.created.UnixNano():
		x.top = mark
	}
	g.measure(x)
	g.judgeBlocks(x)
	return x, nil
}

// examineMeta reads the configuration, or else its second copy.
func (g *guard) examineMeta(x *examined) error {
	dir := filepath.Join(g.streams(), x.stream)
	c, err := blocks.ReadMeta(dir)
	if errors.Is(err, blocks.ErrMeta) {
		if busy(err) {
			return err
		}
		x.meta = err
		x.finding(true, filepath.Join(dir, blocks.Meta), "%v", err)
		c, err = blocks.ReadMeta(g.of(x.stream))
		if errors.Is(err, blocks.ErrMeta) {
			return nil // the blocks say what there is
		}
	}
	if err == nil {
		x.created = c.Created
	}
	return err
}

// busy reports an error of the machine, which says nothing about a file.
func busy(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && !errors.Is(err, fs.ErrNotExist)
}

// examineBlocks reads the blocks that it must, several at a time.
func (g *guard) examineBlocks(x *examined, files []blocks.File, before []blockSeen, all bool) error {
	x.blocks = make([]examinedBlock, len(files))
	failed := make([]error, len(files))
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, f := range files {
		b := &x.blocks[i]
		b.File = f
		last := i == len(files)-1
		if c, ok := g.sound[x.stream][f.Index]; ok && !last && c.size == f.Size && c.changed.Equal(f.Changed) && x.kind != keyStream {
			b.runs, b.whole = c.runs, true
			continue
		}
		if !all && !last && x.kind != keyStream {
			if seen := before[i]; x.kind != logStream || seen.First > 0 && seen.Last > 0 { // the lists are equal
				b.whole = true
				if seen.First > 0 {
					b.runs = []gap{{seen.First, seen.Last}}
				}
				continue
			}
		}
		slots <- struct{}{}
		group.Go(func() {
			failed[i] = g.examineBlock(x, b, last)
			<-slots
		})
	}
	group.Wait()
	return errors.Join(failed...)
}

func (g *guard) examineBlock(x *examined, b *examinedBlock, last bool) error {
	parsed, err := readBlock(x.stream, g.messages(x.stream), b.Index)
	if errors.Is(err, fs.ErrNotExist) { // the serving program removed it
		b.whole = true
		return nil
	}
	if err != nil {
		return err
	}
	b.read, b.whole = true, len(parsed.Bad) == 0
	if x.kind == logStream {
		b.runs = runsOf(parsed)
	}
	if !b.whole || last || x.kind == keyStream { // else it would hold the whole stream in memory
		b.parsed = parsed
	}
	return nil
}

// runsOf returns the sequences of a block's messages.
func runsOf(b *blocks.Block) (runs []gap) {
	b.Messages(func(r *blocks.Record) {
		if n := len(runs); n > 0 && runs[n-1].Last+1 == r.Sequence {
			runs[n-1].Last++
		} else {
			runs = append(runs, gap{r.Sequence, r.Sequence})
		}
	})
	return runs
}

// measure finds the last sequence that there is, and by the views that there must be.
func (g *guard) measure(x *examined) {
	if x.kind == logStream {
		if at, created := g.witness(x.project()); at > x.top && created == x.created.UnixNano() {
			x.top = at
		}
	}
	for i := len(x.blocks) - 1; i >= 0 && x.last == 0; i-- {
		if b := &x.blocks[i]; b.parsed != nil {
			_, x.last = b.parsed.Range()
		} else if n := len(b.runs); n > 0 {
			x.last = b.runs[n-1].Last
		}
	}
	if x.kind == logStream {
		x.gaps = x.lacks(g.gapsOf(x.project()))
	}
}

func (x *examined) project() bellwether.ProjectID {
	return bellwether.ProjectID(strings.TrimSuffix(x.stream, logSuffix))
}

// lacks returns the sequences of a log, up to what there must be, that neither a block nor known holds.
func (x *examined) lacks(known []gap) []gap {
	top := max(x.top, x.last)
	if top == 0 {
		return nil
	}
	for _, b := range x.blocks {
		known = append(known, b.runs...)
	}
	return without([]gap{{1, top}}, known)
}

// judgeBlocks says what is wrong with the blocks.
func (g *guard) judgeBlocks(x *examined) {
	for i := range x.blocks {
		b := &x.blocks[i]
		if b.whole {
			continue
		}
		bad := b.parsed.Bad
		b.torn = i == len(x.blocks)-1 && len(bad) == 1 && bad[0].Torn && x.last >= x.top
		path := filepath.Join(g.messages(x.stream), blocks.Name(b.Index))
		if b.torn {
			x.finding(false, path, "its last write was never finished, nor acknowledged: %d bytes", bad[0].Length)
			continue
		}
		for _, p := range bad {
			x.finding(true, path, "%d bytes at %d are damaged", p.Length, p.Offset)
		}
	}
	for _, index := range x.absent {
		if !g.mustBe(x) {
			continue
		}
		x.finding(true, filepath.Join(g.messages(x.stream), blocks.Name(index)), "it is missing")
	}
	for _, m := range x.gaps {
		x.finding(true, "", "batches %d to %d are gone", m.First, m.Last)
	}
	if x.kind != logStream && x.last < x.top {
		x.finding(true, "", "changes %d to %d are gone", x.last+1, x.top)
	}
}

// mustBe reports whether a file that there was at the last stop must still be there: the server
// never removes files of a log, and those of others only while it runs.
func (g *guard) mustBe(x *examined) bool {
	return x.kind == logStream || x.kind == objectStream && g.state.Clean
}

// describe names the time and the number of records of a gap by the batches beside it.
func (g *guard) describe(x *examined, m gap) Loss {
	l := Loss{Project: x.project(), First: m.First, Last: m.Last, Found: time.Now().UTC()}
	records, batches := 0, 0
	near := func(sequence uint64) (at time.Time) {
		for i := range x.blocks {
			b := &x.blocks[i]
			if !covers(b.runs, gap{sequence, sequence}) {
				continue
			}
			parsed := b.parsed
			if parsed == nil {
				var err error
				if parsed, err = readBlock(x.stream, g.messages(x.stream), b.Index); err != nil {
					return at
				}
			}
			parsed.Messages(func(r *blocks.Record) {
				if r.Sequence == sequence {
					at = time.Unix(0, r.Time).UTC()
				}
				if d := int64(r.Sequence) - int64(sequence); d > -20 && d < 20 {
					if _, data := r.Header(); data != nil {
						if content, err := decodeFrame(data); err == nil {
							records, batches = records+len(content), batches+1
						}
					}
				}
			})
		}
		return at
	}
	l.After, l.Before = near(m.First-1), near(m.Last+1)
	if batches > 0 {
		l.Records = int(float64(records) / float64(batches) * float64(m.count()))
	}
	return l
}

// exists reports whether a file is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// readBlock reads a block and checks that its messages are of the stream.
func readBlock(stream, dir string, index uint32) (*blocks.Block, error) {
	content, err := os.ReadFile(filepath.Join(dir, blocks.Name(index)))
	if err != nil {
		return nil, err
	}
	return parseBlock(stream, index, content), nil
}

func parseBlock(stream string, index uint32, content []byte) *blocks.Block {
	b := blocks.Parse(stream, index, content)
	switch kind := kindOf(stream); kind {
	case logStream:
		subject := logSubject(bellwether.ProjectID(strings.TrimSuffix(stream, logSuffix)))
		b.Keep(func(r *blocks.Record) bool { return string(r.Subject) == subject })
	case keyStream, objectStream:
		prefix := map[streamKind]string{keyStream: "$KV.", objectStream: "$O."}[kind] + stream[strings.IndexByte(stream, '_')+1:] + "."
		b.Keep(func(r *blocks.Record) bool {
			rest, ok := strings.CutPrefix(string(r.Subject), prefix)
			return ok && rest != "" && strings.IndexFunc(rest, outsideSubject) < 0
		})
	}
	return b
}

// outsideSubject reports what is in no subject of keys and objects.
func outsideSubject(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_=.", c))
}
