package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"sync"
	"time"
)

// seqMark is a file that remembers the last sequence of a stream that was acknowledged, so
// that an end that is gone is missed. It is written with each acknowledgement, without waiting for
// the disk, which outlives this process, and synced every second, which outlives the machine.
//
// It holds the sequence, the time at which the stream was created, and the CRC-32C of both.
type seqMark struct {
	path    string
	created int64 // Unix ns: a mark of another stream of the same name says nothing

	mu     sync.Mutex
	file   *os.File
	at     uint64
	synced uint64
}

const seqMarkBytes = 8 + 8 + 4

func (m *seqMark) bytes(at uint64) []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, seqMarkBytes), at)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.created))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// readSeqMark returns the mark in the file and when its stream was created, 0 when there is none.
func readSeqMark(path string) (at uint64, created int64, err error) {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, 0, nil
	case err != nil:
		return 0, 0, err
	case len(b) != seqMarkBytes || crc32.Checksum(b[:16], castagnoli) != binary.LittleEndian.Uint32(b[16:]):
		return 0, 0, fmt.Errorf("%s is damaged", path)
	}
	return binary.LittleEndian.Uint64(b), int64(binary.LittleEndian.Uint64(b[8:])), nil
}

// openSeqMark opens the mark of a stream; one of another stream begins at 0.
func openSeqMark(path string, created time.Time) (*seqMark, error) {
	m := &seqMark{path: path, created: created.UnixNano()}
	at, of, _ := readSeqMark(path) // a damaged one was reported before the server started
	if of == m.created {
		m.at = at
	}
	var err error
	if m.file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	_, err = m.file.WriteAt(m.bytes(m.at), 0)
	return m, err
}

// advance raises the mark to at.
func (m *seqMark) advance(at uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at <= m.at || m.file == nil {
		return nil
	}
	m.at = at
	_, err := m.file.WriteAt(m.bytes(at), 0)
	return err
}

// sync puts the mark on disk.
func (m *seqMark) sync() error {
	m.mu.Lock()
	at, file := m.at, m.file
	same := at == m.synced
	m.mu.Unlock()
	if same || file == nil {
		return nil
	}
	if err := file.Sync(); err != nil {
		return err
	}
	m.mu.Lock()
	m.synced = max(m.synced, at)
	m.mu.Unlock()
	return nil
}

// close syncs the mark and closes its file.
func (m *seqMark) close() error {
	m.mu.Lock()
	file, at := m.file, m.at
	m.file = nil
	m.mu.Unlock()
	if file == nil {
		return nil
	}
	_, err := file.WriteAt(m.bytes(at), 0) // once more: an earlier write may have failed
	return errors.Join(err, file.Sync(), file.Close())
}
