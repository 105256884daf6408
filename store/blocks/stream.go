package blocks

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/highwayhash"
)

// Names in a stream's folder.
const (
	Meta     = "meta.inf"
	MetaSum  = "meta.sum"
	Messages = "msgs"
	Index    = "index.db"
	suffix   = ".blk"
)

// Name returns a block's file name.
func Name(index uint32) string { return strconv.FormatUint(uint64(index), 10) + suffix }

// File is a block file in a folder.
type File struct {
	Index   uint32
	Size    int64
	Changed time.Time
}

// List returns the block files in dir by their number; none when dir is absent.
func List(dir string) ([]File, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		number, ok := strings.CutSuffix(e.Name(), suffix)
		index, err := strconv.ParseUint(number, 10, 32)
		if !ok || err != nil {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		files = append(files, File{Index: uint32(index), Size: info.Size(), Changed: info.ModTime()})
	}
	slices.SortFunc(files, func(a, b File) int { return int(a.Index) - int(b.Index) })
	return files, nil
}

// Read reads and checks one block file in dir.
func Read(stream, dir string, index uint32) (*Block, error) {
	b, err := os.ReadFile(filepath.Join(dir, Name(index)))
	if err != nil {
		return nil, err
	}
	return Parse(stream, index, b), nil
}

// Config is what the program reads of a stream's configuration.
type Config struct {
	Name    string    `json:"name"`
	Created time.Time `json:"Created"`
}

// ErrMeta means that a stream's configuration is absent or damaged.
var ErrMeta = errors.New("the stream's configuration is damaged")

// ReadMeta reads and checks the configuration in the folder of the stream.
func ReadMeta(dir string) (c Config, err error) {
	meta, err := os.ReadFile(filepath.Join(dir, Meta))
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrMeta, err)
	}
	sum, err := os.ReadFile(filepath.Join(dir, MetaSum))
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrMeta, err)
	}
	if MetaChecksum(filepath.Base(dir), meta) != string(sum) {
		return c, fmt.Errorf("%w: the checksum of %s is wrong", ErrMeta, Meta)
	}
	if err := json.Unmarshal(meta, &c); err != nil {
		return c, fmt.Errorf("%w: %w", ErrMeta, err)
	}
	return c, nil
}

// MetaChecksum is what meta.sum holds.
func MetaChecksum(stream string, meta []byte) string {
	key := sha256.Sum256([]byte(stream))
	digest, _ := highwayhash.NewDigest64(key[:]) // fails only on a key of another length
	_, _ = digest.Write(meta)
	return hex.EncodeToString(digest.Sum(nil))
}

// FirstSequence returns the sequence of a block's first record by its header, 0 when it has none.
func FirstSequence(dir string, index uint32) (uint64, error) {
	f, err := os.Open(filepath.Join(dir, Name(index)))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var head [recordHeader]byte
	if n, err := f.ReadAt(head[:], 0); n < len(head) {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return 0, err
	}
	return binary.LittleEndian.Uint64(head[4:]) &^ (erasedBit | tombstoneBit), nil
}
