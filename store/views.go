package store

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	viewCache    = 64 << 20 // bytes of blocks kept in memory, for all views together
	viewMemtable = 32 << 20 // bytes of changes that a crash makes views fold again
)

// openViews opens the one Pebble instance that holds the views of all projects.
//
// It keeps no write-ahead log: the event log is one. After a crash a view is as it
// was at the last flush, its cursor included, and folds the rest again.
func openViews(s *Store) (*pebble.DB, error) {
	dir := filepath.Join(s.dir, "views")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	o := &pebble.Options{
		FS:                 vfs.OnDiskFull(vfs.Default, s.awaitSpace),
		FormatMajorVersion: pebble.FormatNewest,
		CacheSize:          viewCache,
		MemTableSize:       viewMemtable,
		DisableWAL:         true,
		Logger:             viewLog{s.log},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // deduplication asks mostly for absent keys
	}
	db, err := pebble.Open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("views in %s: %w; if the files are damaged, delete that folder: views are rebuilt from the log", dir, err)
	}
	return db, nil
}

// closeViews keeps what the views folded, if the disk has room, and closes them.
func closeViews(s *Store) error {
	if s.room() == nil {
		if err := s.views.Flush(); err != nil {
			s.log.Warn("views not flushed; they will fold the log's end again", "error", err)
		}
	}
	return s.views.Close()
}

// awaitSpace holds back Pebble's writes while the disk is full, until the store closes.
func (s *Store) awaitSpace() {
	s.log.Warn("the disk is full; views wait", "folder", s.dir)
	for sleep(s.ctx, 100*time.Millisecond) {
		usage, err := vfs.Default.GetDiskUsage(s.dir)
		if err == nil && usage.AvailBytes > uint64(max(s.options.MinFree, 1<<20))/2 {
			return
		}
	}
}

// viewLog hands Pebble's log lines to slog.
type viewLog struct{ log *slog.Logger }

func (l viewLog) Infof(f string, a ...any)  { l.log.Debug("pebble", "text", fmt.Sprintf(f, a...)) }
func (l viewLog) Errorf(f string, a ...any) { l.log.Error("pebble", "text", fmt.Sprintf(f, a...)) }

// Fatalf must not return: Pebble found its own state damaged.
func (l viewLog) Fatalf(f string, a ...any) {
	l.log.Error("pebble", "text", fmt.Sprintf(f, a...))
	panic(fmt.Sprintf("store: views: "+f, a...))
}
