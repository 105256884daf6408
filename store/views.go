package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"bellwether"

	"github.com/cockroachdb/pebble/v2"
)

const (
	viewCache    = 256 << 20 // bytes of blocks kept in memory, for all views together
	viewMemtable = 32 << 20  // bytes of changes that a crash makes views fold again
)

// views holds the views of all projects in one Pebble instance. When its files turn out to be
// damaged, or Pebble gives up, an empty one takes its place and every view folds its log again.
//
// It keeps no write-ahead log: the event log is one. After a crash a view is as it
// was at the last flush, its cursor included, and folds the rest again.
type views struct {
	dir     string // of the data
	log     *slog.Logger
	minFree uint64
	open    context.Context // ends when the store closes
	cache   *pebble.Cache

	mu  sync.Mutex // held while an instance is replaced
	now atomic.Pointer[instance]
}

func openViews(s *Store) (*views, error) {
	v := &views{
		dir: s.dir, log: s.log, open: s.ctx, minFree: uint64(max(s.options.MinFree, 1<<20)), cache: pebble.NewCache(viewCache),
	}
	numbers, err := viewFolders(s.dir)
	if err != nil {
		return nil, err
	}
	number := numbers[len(numbers)-1]
	for _, old := range numbers[:len(numbers)-1] { // of instances that broke
		if err := os.RemoveAll(v.folder(old)); err != nil {
			return nil, err
		}
	}
	i, err := v.openInstance(number)
	if err != nil && !refused(err) {
		v.log.Error("the views' files are damaged; all views are folded again from the log", "folder", v.folder(number), "error", err)
		if i, err = v.openInstance(number + 1); err == nil {
			err = os.RemoveAll(v.folder(number))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("views in %s: %w", v.folder(number), err)
	}
	v.now.Store(i)
	return v, nil
}

// folder names the folder of an instance: the first is views, its successors views-1, views-2, …
func (v *views) folder(number int) string {
	if number == 0 {
		return filepath.Join(v.dir, viewsFolder)
	}
	return filepath.Join(v.dir, viewsFolder+"-"+strconv.Itoa(number))
}

// viewFolders returns the numbers of the folders that there are, at least one, in order.
func viewFolders(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	numbers := []int{}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), viewsFolder)
		if rest == "" && ok {
			numbers = append(numbers, 0)
		} else if n, err := strconv.Atoi(strings.TrimPrefix(rest, "-")); ok && err == nil && n > 0 {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		numbers = append(numbers, 0)
	}
	slices.Sort(numbers)
	return numbers, nil
}

// refused reports an error of the machine, which says nothing about the files.
func refused(err error) bool {
	for _, e := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.ENOMEM, syscall.EIO, fs.ErrPermission, errGaveUp,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// broke puts an empty instance in the place of one that is damaged or gave up. The views
// notice by themselves, see View.follow.
func (v *views) broke(i *instance, cause error) {
	if !i.die() || v.open.Err() != nil {
		return
	}
	v.log.Error("the views' files are damaged or cannot be written; all views are folded again from the log", "folder", i.dir, "error", cause)
	go v.replace(i) // not in Pebble's goroutine, which may hold its locks
}

func (v *views) replace(i *instance) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for number := i.number + 1; v.open.Err() == nil; number++ {
		next, err := v.openInstance(number)
		if err == nil {
			v.now.Store(next)
			close(i.replaced)
			i.abandon()
			return
		}
		v.log.Error("the views cannot be opened", "folder", v.folder(number), "error", err)
		if !sleep(v.open, followPause) {
			return
		}
	}
}

// close stores what the views folded and closes Pebble. On a full disk it stores nothing:
// the views fold the log's end again when they are opened next.
func (v *views) close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	err := v.now.Load().close()
	v.cache.Unref()
	return err
}

// witness returns the last batch that a view of the project has folded, and the creation of the
// log that it folded, in Unix nanoseconds: that batch was there.
func (v *views) witness(id bellwether.ProjectID) (last uint64, created int64) {
	lower := append([]byte(id), 0)
	i, err := v.now.Load().NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: after(lower)})
	if err != nil {
		return 0, 0
	}
	defer i.Close()
	for ok := i.First(); ok; {
		name, rest, found := bytes.Cut(i.Key()[len(lower):], []byte{0})
		if !found {
			break
		}
		if value := i.Value(); len(rest) == 1 && rest[0] == 0 && len(value) > 16 {
			_, version := binary.Varint(value[8:])
			if at := binary.LittleEndian.Uint64(value); at > last && version > 0 && len(value) >= 16+version {
				last, created = at, int64(binary.LittleEndian.Uint64(value[8+version:]))
			}
		}
		ok = i.SeekGE(append(append(slices.Clone(lower), name...), 0, 2)) // the next view
	}
	return last, created
}
