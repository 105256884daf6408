package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// instance is one Pebble store of the views. It is its own logger: Pebble ends its process
// through it when it cannot go on, where it is only the instance that must end.
type instance struct {
	*pebble.DB
	views  *views
	number int
	dir    string

	use      *gate           // those who read or write
	failed   chan struct{}   // has one while a background write failed
	alive    context.Context // ends when the instance broke
	die      func() bool     // ends it; true for the first caller
	replaced chan struct{}   // closed once the next instance is there
}

// errGaveUp means that Pebble called Fatalf while it opened or closed.
var errGaveUp = errors.New("the views' store gave up; the log says why")

func (v *views) openInstance(number int) (*instance, error) { return v.openIn(number, false) }

func (v *views) openIn(number int, readOnly bool) (*instance, error) {
	i := &instance{views: v, number: number, dir: v.folder(number), use: newGate(), failed: make(chan struct{}, 1), replaced: make(chan struct{})}
	var end context.CancelFunc
	i.alive, end = context.WithCancel(context.Background())
	var once sync.Once
	i.die = func() (first bool) {
		once.Do(func() { end(); first = true })
		return first
	}
	if err := makeFolder(i.dir); err != nil {
		return nil, err
	}
	err := apart(func() (err error) {
		o := i.options()
		o.ReadOnly = readOnly
		i.DB, err = pebble.Open(i.dir, o)
		return err
	})
	return i, err
}

// apart runs f in a goroutine of its own, which Fatalf may end and which may panic, and
// waits for it.
func apart(f func() error) error {
	done := make(chan error, 1)
	go func() {
		err := errGaveUp
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("%w: %v", errGaveUp, p)
			}
			done <- err
		}()
		err = f()
	}()
	return <-done
}

func (i *instance) options() *pebble.Options {
	o := &pebble.Options{
		FS:                 vfs.OnDiskFull(vfs.Default, i.awaitSpace),
		FormatMajorVersion: pebble.FormatNewest,
		Cache:              i.views.cache,
		MemTableSize:       viewMemtable,
		DisableWAL:         true,
		Logger:             i,
		EventListener: &pebble.EventListener{
			BackgroundError: i.backgroundError,
			DataCorruption:  func(info pebble.DataCorruptionInfo) { i.views.broke(i, info.Details) },
		},
	}
	for l := range o.Levels {
		o.Levels[l].FilterPolicy = bloom.FilterPolicy(10) // deduplication asks mostly for absent keys
	}
	return o
}

// judge makes of an error of Pebble that means damage an ErrUnavailable: the views are folded
// again and can be asked later.
func (i *instance) judge(err error) error {
	if err == nil {
		return nil
	}
	if pebble.IsCorruptionError(err) || errors.Is(err, fs.ErrNotExist) {
		i.views.broke(i, err)
	}
	if i.alive.Err() != nil {
		return fmt.Errorf("%w: the views are folded again from the log, as their files were damaged (%w)", ErrUnavailable, err)
	}
	return err
}

// commit writes b, which it closes. It returns even if the instance breaks meanwhile.
func (i *instance) commit(b *pebble.Batch) error {
	done := make(chan error, 1)
	go func() {
		done <- apart(func() error { return errors.Join(b.Commit(pebble.NoSync), b.Close()) })
	}()
	select {
	case err := <-done:
		return i.judge(err)
	case <-i.alive.Done():
		return i.judge(i.alive.Err())
	}
}

// close stores what was folded and closes the instance.
func (i *instance) close() error {
	if i.alive.Err() != nil {
		return nil // what it holds is folded again
	}
	done := make(chan error, 1)
	go func() {
		done <- apart(func() error {
			i.flush()
			return i.DB.Close()
		})
	}()
	var err error
	select {
	case err = <-done:
	case <-i.alive.Done(): // a goroutine of Pebble's may stay
		err = errGaveUp
	}
	switch {
	case err == nil, vfs.IsNoSpaceError(err): // closed, and nothing is lost: the log is there
		return nil
	case i.alive.Err() != nil || errors.Is(err, errGaveUp) || pebble.IsCorruptionError(err):
		i.views.log.Warn("views not stored; they are folded again from the log", "folder", i.dir, "error", err)
		return nil
	}
	return err
}

// abandon gives back what a broken instance holds, as far as it lets go.
func (i *instance) abandon() {
	go func() {
		i.use.close()
		if err := apart(i.DB.Close); err != nil {
			i.views.log.Debug("closing broken views", "error", err)
		}
		if err := os.RemoveAll(i.dir); err != nil {
			i.views.log.Warn("the files of broken views stay", "folder", i.dir, "error", err)
		}
	}()
}

func (i *instance) flush() {
	select {
	case <-i.failed:
	default:
	}
	flushed, err := i.AsyncFlush()
	if err != nil {
		i.views.log.Warn("views not stored", "error", err)
		return
	}
	select {
	case <-flushed:
	case <-i.failed:
		i.views.log.Warn("views not stored: the disk is full", "folder", i.dir)
	case <-i.alive.Done():
	}
}

func (i *instance) backgroundError(err error) {
	if pebble.IsCorruptionError(err) || errors.Is(err, fs.ErrNotExist) {
		i.views.broke(i, err)
		return
	}
	i.views.log.Warn("views cannot be stored now", "error", err)
	select {
	case i.failed <- struct{}{}:
	default:
	}
	time.Sleep(10 * time.Millisecond) // Pebble tries again at once
}

// awaitSpace holds back Pebble's writes while the disk is full, until the store closes.
func (i *instance) awaitSpace() {
	i.views.log.Warn("the disk is full; views wait", "folder", i.dir)
	for sleep(i.views.open, 100*time.Millisecond) {
		usage, err := vfs.Default.GetDiskUsage(i.dir)
		if err == nil && usage.AvailBytes > i.views.minFree/2 {
			return
		}
	}
}

// Infof, Errorf and Fatalf take Pebble's log lines.
func (i *instance) Infof(f string, a ...any) {
	i.views.log.Debug("pebble", "text", fmt.Sprintf(f, a...))
}

// Errorf is pebble.Logger's.
func (i *instance) Errorf(f string, a ...any) {
	i.views.log.Error("pebble", "text", fmt.Sprintf(f, a...))
}

// Fatalf must not return: Pebble could not write its own state, or found it damaged.
func (i *instance) Fatalf(f string, a ...any) {
	i.views.broke(i, fmt.Errorf(f, a...))
	runtime.Goexit()
}
