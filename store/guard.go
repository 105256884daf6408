package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"bellwether"
	"bellwether/store/blocks"
)

// Folders beside the server's.
const (
	guardFolder   = "guard"   // what the guard remembers
	damagedFolder = "damaged" // files as they were found, by the time at which they were
)

// guard watches over the files of the embedded server. Before the server starts it looks for
// what is damaged or missing, keeps such files aside, puts back what it has a second copy of, mends the
// rest so that only what is lost is missing, and remembers what that is. While the server
// runs it checks the blocks that the last stop left in order, those that are read first.
//
//	guard/state.json        the files of each stream at the last stop, and whether that was in order
//	guard/losses.json       what was lost, see Loss
//	guard/STREAM/mark       the last sequence that was acknowledged, see seqMark
//	guard/STREAM/meta.*     a second copy of the stream's configuration
//	guard/STREAM/N.blk      a second copy of the stream's blocks, for keys only
//	guard/STREAM/objects.json  the objects that there are, see objectList
//	guard/STREAM/held/      second names of the blocks while the server starts
//	damaged/TIME/STREAM/    files as they were found
type guard struct {
	dir     string // of the data
	log     *slog.Logger
	witness func(bellwether.ProjectID) (uint64, int64) // a sequence that the views have seen, and the log's creation

	mu     sync.Mutex
	state  guardState
	losses []Loss
	sound  map[string]map[uint32]checked // blocks that were checked in this process, by stream
	later  map[string][]blockSeen        // blocks that are checked while the server runs
	marks  map[string]*seqMark           // of streams in use
	roots  map[string]*settled           // their message folders
	spare  chan string                   // streams of keys that changed
	use    sync.RWMutex                  // held to write while the files are looked after and the server starts
	kept   string                        // folder of this process's damaged files, once there are any
}

// guardState is guard/state.json.
type guardState struct {
	Clean   bool                   `json:"clean"` // the stop was in order, and nothing started since
	Streams map[string]streamState `json:"streams"`
}

// streamState is what a stream's folder held.
type streamState struct {
	Index  string      `json:"index"` // SHA-256 of index.db
	Blocks []blockSeen `json:"blocks"`
}

// blockSeen is a block file as it was. First and Last are the sequences that a log's block
// holds without a gap, 0 when it has gaps or is another stream's.
type blockSeen struct {
	Index uint32 `json:"index"`
	Size  int64  `json:"size"`
	First uint64 `json:"first,omitempty"`
	Last  uint64 `json:"last,omitempty"`
}

// checked is a block that was read and found whole when it had this size and time.
type checked struct {
	size    int64
	changed time.Time
	runs    []gap // its sequences
}

func newGuard(dir string, log *slog.Logger) *guard {
	return &guard{
		dir: dir, log: log, witness: func(bellwether.ProjectID) (uint64, int64) { return 0, 0 },
		sound: map[string]map[uint32]checked{}, later: map[string][]blockSeen{}, marks: map[string]*seqMark{}, roots: map[string]*settled{}, spare: make(chan string, 16),
	}
}

// streams is the server's folder of streams.
func (g *guard) streams() string {
	return filepath.Join(g.dir, natsFolder, "jetstream", "$G", "streams")
}

func (g *guard) of(stream string) string  { return filepath.Join(g.dir, guardFolder, stream) }
func (g *guard) messages(s string) string { return filepath.Join(g.streams(), s, blocks.Messages) }
func (g *guard) statePath() string        { return filepath.Join(g.dir, guardFolder, "state.json") }

// load reads what the guard remembers. Damaged memory is no more than absent memory: the
// blocks are then all checked.
func (g *guard) load() error {
	if err := makeFolder(filepath.Join(g.dir, guardFolder)); err != nil {
		return err
	}
	var err error
	if e := readJSON(g.statePath(), &g.state); e != nil {
		g.log.Warn("what was known of the stored files is damaged: all of them are checked", "error", e)
		g.state = guardState{}
	}
	if e := readJSON(g.lossesPath(), &g.losses); e != nil {
		err = fmt.Errorf("%w: %w: restore the file from a backup, or delete it: what the log lacks is then found again", ErrDamaged, e)
	}
	return err
}

// streamNames lists the streams that exist or existed.
func (g *guard) streamNames() ([]string, error) {
	var names []string
	for _, dir := range []string{g.streams(), filepath.Join(g.dir, guardFolder)} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") { // a stream that is being deleted has a dot
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// before makes the files ready for the server's start, or says why it must not start.
func (g *guard) before() error {
	names, err := g.streamNames()
	if err != nil {
		return err
	}
	for _, name := range names {
		err := g.unhold(name)
		var x *examined
		if err == nil {
			x, err = g.examine(name, false)
		}
		if err == nil {
			err = g.mend(x)
		}
		if err == nil {
			err = g.hold(name)
		}
		if err != nil {
			return fmt.Errorf("looking after stream %s: %w", name, err)
		}
	}
	if g.state.Clean { // from here on only after a stop in order
		g.state.Clean = false
		return writeJSON(g.statePath(), g.state)
	}
	return nil
}

// stopped remembers the files after the server has stopped, when it stopped well.
func (g *guard) stopped(well bool) error {
	g.mu.Lock()
	marks := g.marks
	g.marks = map[string]*seqMark{}
	g.mu.Unlock()
	var err error
	for _, m := range marks {
		err = errors.Join(err, m.close())
	}
	names, e := g.streamNames()
	if err = errors.Join(err, e); err != nil || !well {
		return err
	}
	state := guardState{Clean: true, Streams: map[string]streamState{}}
	for _, name := range names {
		if kindOf(name) == keyStream {
			err = errors.Join(err, g.copySpare(name))
		}
		s, e := g.look(name)
		state.Streams[name], err = s, errors.Join(err, e)
	}
	if err != nil {
		return err
	}
	return writeJSON(g.statePath(), state)
}

// look describes the files of a stopped stream. Of a log's blocks it reads the first record, by which it
// knows the range of the one before.
func (g *guard) look(stream string) (s streamState, err error) {
	files, err := blocks.List(g.messages(stream))
	if err != nil {
		return s, err
	}
	if s.Index, err = fileDigest(filepath.Join(g.messages(stream), blocks.Index)); err != nil {
		return s, err
	}
	for _, f := range files {
		s.Blocks = append(s.Blocks, blockSeen{Index: f.Index, Size: f.Size})
	}
	if kindOf(stream) != logStream {
		return s, nil
	}
	for i := range s.Blocks {
		b := &s.Blocks[i]
		c, sound := g.sound[stream][b.Index]
		if sound && len(c.runs) == 1 {
			if b.First = c.runs[0].First; c.size == b.Size {
				b.Last = c.runs[0].Last
			}
		}
		if !sound { // it is of this run of the server, which leaves no gaps
			if b.First, err = blocks.FirstSequence(g.messages(stream), b.Index); err != nil {
				return s, err
			}
		}
		if i > 0 && s.Blocks[i-1].Last == 0 && s.Blocks[i-1].First > 0 && b.First > 0 {
			s.Blocks[i-1].Last = b.First - 1
		}
	}
	return s, nil
}

// fileDigest is the SHA-256 of a file, "" when it is absent.
func fileDigest(path string) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}

// streamKind says what a stream holds.
type streamKind int

const (
	otherStream streamKind = iota
	logStream
	keyStream
	objectStream
)

func kindOf(stream string) streamKind {
	switch {
	case strings.HasPrefix(stream, "KV_"):
		return keyStream
	case strings.HasPrefix(stream, "OBJ_"):
		return objectStream
	case strings.HasSuffix(stream, logSuffix):
		return logStream
	}
	return otherStream
}
