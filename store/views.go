package store

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	viewCache    = 256 << 20 // bytes of blocks kept in memory, for all views together
	viewMemtable = 32 << 20  // bytes of changes that a crash makes views fold again
)

// views is the one Pebble instance that holds the views of all projects.
//
// It keeps no write-ahead log: the event log is one. After a crash a view is as it
// was at the last flush, its cursor included, and folds the rest again.
type views struct {
	*pebble.DB
	dir     string
	log     *slog.Logger
	minFree uint64
	open    context.Context // ends when the store closes
	failed  chan struct{}   // has one while a background write failed
	stuck   chan struct{}   // closed when Pebble gave up while closing
	once    sync.Once
}

func openViews(s *Store) (*views, error) {
	v := &views{
		dir: filepath.Join(s.dir, viewsFolder), log: s.log, open: s.ctx, minFree: uint64(max(s.options.MinFree, 1<<20)),
		failed: make(chan struct{}, 1), stuck: make(chan struct{}),
	}
	if err := os.MkdirAll(v.dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if v.DB, err = pebble.Open(v.dir, v.options()); err != nil {
		return nil, fmt.Errorf("views in %s: %w; if the files are damaged, delete that folder: views are rebuilt from the log", v.dir, err)
	}
	return v, nil
}

func (v *views) options() *pebble.Options {
	o := &pebble.Options{
		FS:                 vfs.OnDiskFull(vfs.Default, v.awaitSpace),
		FormatMajorVersion: pebble.FormatNewest,
		CacheSize:          viewCache,
		MemTableSize:       viewMemtable,
		DisableWAL:         true,
		Logger:             v,
		EventListener:      &pebble.EventListener{BackgroundError: v.backgroundError},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // deduplication asks mostly for absent keys
	}
	return o
}

// close stores what the views folded and closes Pebble. On a full disk it stores nothing:
// the views fold the log's end again when they are opened next.
func (v *views) close() error {
	closed := make(chan error, 1)
	go func() {
		v.flush()
		closed <- v.DB.Close()
	}()
	select {
	case err := <-closed:
		if vfs.IsNoSpaceError(err) {
			return nil // it is closed, and nothing is lost
		}
		return err
	case <-v.stuck: // Pebble's goroutine stays; nothing can be done but end the process
		return fmt.Errorf("%w: closing the views in %s: the disk is full", ErrUnavailable, v.dir)
	}
}

func (v *views) flush() {
	select {
	case <-v.failed:
	default:
	}
	flushed, err := v.AsyncFlush()
	if err != nil {
		v.log.Warn("views not stored", "error", err)
		return
	}
	select {
	case <-flushed:
	case <-v.failed:
		v.log.Warn("views not stored: the disk is full", "folder", v.dir)
	}
}

func (v *views) backgroundError(err error) {
	v.log.Warn("views cannot be stored now", "error", err)
	select {
	case v.failed <- struct{}{}:
	default:
	}
}

// awaitSpace holds back Pebble's writes while the disk is full, until the store closes.
func (v *views) awaitSpace() {
	v.log.Warn("the disk is full; views wait", "folder", v.dir)
	for sleep(v.open, 100*time.Millisecond) {
		usage, err := vfs.Default.GetDiskUsage(v.dir)
		if err == nil && usage.AvailBytes > v.minFree/2 {
			return
		}
	}
}

// Infof, Errorf and Fatalf take Pebble's log lines.
func (v *views) Infof(f string, a ...any)  { v.log.Debug("pebble", "text", fmt.Sprintf(f, a...)) }
func (v *views) Errorf(f string, a ...any) { v.log.Error("pebble", "text", fmt.Sprintf(f, a...)) }

// Fatalf must not return: Pebble could not write its own state, or found it damaged.
func (v *views) Fatalf(f string, a ...any) {
	v.log.Error("pebble", "text", fmt.Sprintf(f, a...))
	if v.open.Err() != nil {
		v.once.Do(func() { close(v.stuck) })
		select {}
	}
	panic(fmt.Sprintf("store: views: "+f, a...))
}
