package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	foldBytes   = 4 << 20 // bytes of changes that are stored at once
	followPause = 100 * time.Millisecond
	foldPause   = time.Second
)

// View is keys and values folded from the project's log. It follows the log by itself;
// readers see each batch whole or not at all. Its methods may be called concurrently.
type View struct {
	project *Project
	name    string
	version int
	fold    Fold

	prefix []byte // of its data in Pebble: project 0 name 0 1
	at     []byte // the key of its cursor: project 0 name 0 0
	cursor mark
	use    *gate

	ctx    context.Context // ends when the view closes
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing folds any more

	mu     sync.Mutex // held while folding
	writer *ViewWriter
}

// View opens the view name, folds it up to the log's end as of the call and lets it
// follow the log. When version is not that of the stored view, or the stored view was
// folded from another log, it is rebuilt from the beginning. A view that is open
// already, or a fold that fails, is an error.
func (p *Project) View(ctx context.Context, name string, version int, fold Fold) (*View, error) {
	if err := checkName("view", name); err != nil {
		return nil, err
	}
	v := p.newView(name, version, fold)
	if err := p.register(v); err != nil {
		return nil, err
	}
	if err := v.open(ctx); err != nil {
		close(v.done)
		return nil, errors.Join(fmt.Errorf("opening view %s of %s: %w", name, p.ID, err), v.Close())
	}
	go v.follow()
	return v, nil
}

func (p *Project) newView(name string, version int, fold Fold) *View {
	prefix := append(append([]byte(p.ID), 0), name...)
	v := &View{
		project: p, name: name, version: version, fold: fold,
		prefix: append(slices.Clone(prefix), 0, 1), at: append(prefix, 0, 0),
		use: newGate(), done: make(chan struct{}),
	}
	v.ctx, v.cancel = context.WithCancel(p.store.ctx)
	v.writer = newViewWriter(p.store.views.DB, v.prefix)
	return v
}

func (p *Project) register(v *View) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.views == nil {
		return fmt.Errorf("project %s: %w", p.ID, ErrClosed)
	}
	if p.views[v.name] != nil {
		return fmt.Errorf("view %s of %s is open already: share it", v.name, p.ID)
	}
	p.views[v.name] = v
	return nil
}

// open finds the view's cursor and folds what follows it.
func (v *View) open(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(v.ctx, cancel)()
	last, err := v.project.Log.Last(ctx)
	if err != nil {
		return err
	}
	v.project.Log.end.advance(last)
	cursor, ok, err := v.stored()
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cursor.set(cursor); !ok || cursor > last {
		if err := v.clear(); err != nil {
			return err
		}
	}
	return v.catchUp(ctx, last)
}

// stored returns the cursor in Pebble; ok is false when it is not one of this version
// of the view over this log.
func (v *View) stored() (cursor uint64, ok bool, err error) {
	value, err := get(v.project.store.views.DB, v.at)
	identity := v.identity()
	if err != nil || len(value) != len(identity)+8 || string(value[8:]) != string(identity) {
		return 0, false, err
	}
	return binary.LittleEndian.Uint64(value), true, nil
}

// identity is the view's version and the time at which its log was created.
func (v *View) identity() []byte {
	created := v.project.Log.stream.CachedInfo().Created
	return binary.LittleEndian.AppendUint64(binary.AppendVarint(nil, int64(v.version)), uint64(created.UnixNano()))
}

// clear removes the view's data and sets its cursor to the log's beginning.
func (v *View) clear() error {
	v.writer.forget()
	b := v.project.store.views.NewBatch()
	defer b.Close()
	if err := b.DeleteRange(v.prefix, after(v.prefix), nil); err != nil {
		return err
	}
	return v.commit(b, 0)
}

// commit stores b together with the cursor.
func (v *View) commit(b *pebble.Batch, cursor uint64) error {
	value := append(binary.LittleEndian.AppendUint64(nil, cursor), v.identity()...)
	if err := b.Set(v.at, value, nil); err != nil {
		return err
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return err
	}
	v.cursor.set(cursor)
	return nil
}

// follow folds what is appended until the view closes. After an error it tries again:
// the server may come back, or a Rebuild may lead past what a fold could not take.
func (v *View) follow() {
	defer close(v.done)
	for v.ctx.Err() == nil { // closing while behind the log: what is left is folded at the next opening
		upto, err := v.project.Log.end.wait(v.ctx, v.Cursor()+1)
		if err != nil {
			return // closing
		}
		v.mu.Lock()
		err = v.catchUp(v.ctx, upto)
		v.mu.Unlock()
		if err != nil && v.ctx.Err() == nil {
			v.log().Warn("view waits", "project", v.project.ID, "view", v.name, "error", err)
			sleep(v.ctx, v.pauseAfter(err))
		}
	}
}

func (v *View) log() *slog.Logger { return v.project.store.log }

// pauseAfter tells those who wait of an error that will last, and returns how long to pause.
func (v *View) pauseAfter(err error) time.Duration {
	var fold *foldError
	if !errors.As(err, &fold) {
		return followPause
	}
	v.cursor.fail(err)
	return foldPause
}

// foldError is an error of the view's own fold.
type foldError struct {
	sequence uint64
	err      error
}

func (e *foldError) Error() string { return fmt.Sprintf("folding batch %d: %v", e.sequence, e.err) }
func (e *foldError) Unwrap() error { return e.err }

// catchUp folds the batches up to upto: the recent ones from memory, others from the log.
func (v *View) catchUp(ctx context.Context, upto uint64) error {
	log, cursor := v.project.Log, v.Cursor()
	step := func(b Batch) error {
		if err := v.fold(v.writer, b); err != nil {
			return &foldError{b.Sequence, err}
		}
		if cursor = b.Sequence; v.writer.bytes < foldBytes {
			return ctx.Err()
		}
		return v.save(cursor)
	}
	err := ctx.Err()
	for err == nil && cursor < upto {
		if b, ok := log.recent.get(cursor + 1); ok {
			err = step(b)
			continue
		}
		if err = log.readTo(ctx, cursor, upto, step); err == nil {
			cursor = upto // even if the last batches were deleted
		}
	}
	if err != nil {
		v.writer.forget() // a failed fold may have left half of its changes
		return err
	}
	return v.save(cursor)
}

// save stores the changes up to cursor, if it moved.
func (v *View) save(cursor uint64) error {
	if cursor == v.Cursor() {
		return nil
	}
	b := v.project.store.views.NewBatch()
	defer b.Close()
	if err := v.writer.store(b); err != nil {
		return err
	}
	return v.commit(b, cursor)
}

// Cursor returns the sequence of the last batch that the view holds.
func (v *View) Cursor() uint64 { return v.cursor.value() }

// Wait returns nil once the view holds the batch with this sequence. It returns the
// fold's error if the fold fails before, and ErrClosed if the view was closed.
func (v *View) Wait(ctx context.Context, sequence uint64) error {
	if _, err := v.cursor.wait(ctx, sequence); err != nil {
		return fmt.Errorf("waiting for batch %d in view %s: %w", sequence, v.name, err)
	}
	return nil
}

// Rebuild folds the log again from its beginning and returns when that is done.
// Meanwhile readers see what has been folded so far. What the view held before is
// removed from its files too.
func (v *View) Rebuild(ctx context.Context) error {
	if !v.use.enter() {
		return v.closed()
	}
	defer v.use.leave()
	last, err := v.project.Log.Last(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(v.ctx, cancel)()
	v.mu.Lock()
	defer v.mu.Unlock()
	if err = v.clear(); err == nil {
		err = v.catchUp(ctx, last)
	}
	if err == nil {
		err = v.project.store.views.Compact(ctx, v.prefix, after(v.prefix), false)
	}
	if err != nil {
		return fmt.Errorf("rebuilding view %s: %w", v.name, err)
	}
	return nil
}

// Close stops following the log and waits for readers. The view's data stay.
func (v *View) Close() error {
	v.project.mu.Lock()
	if v.project.views[v.name] == v {
		delete(v.project.views, v.name)
	}
	v.project.mu.Unlock()
	return v.close()
}

func (v *View) close() error {
	v.cancel()
	<-v.done
	v.cursor.fail(ErrClosed)
	v.use.close()
	return nil
}

func (v *View) closed() error { return fmt.Errorf("view %s: %w", v.name, ErrClosed) }
