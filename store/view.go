package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
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

	home atomic.Pointer[instance] // that holds all that the view held; another than the present one while the view is folded again

	mu     sync.Mutex // held while folding
	in     *instance  // that is folded into
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

// open finds the view's cursor and folds what follows it, if need be in the next instance.
func (v *View) open(ctx context.Context) error {
	for {
		i := v.project.store.views.now.Load()
		err := v.settle(ctx, i)
		if err == nil || i.alive.Err() == nil {
			return err
		}
		if err := v.await(ctx, i); err != nil {
			return err
		}
	}
}

// await waits for the instance after i.
func (v *View) await(ctx context.Context, i *instance) error {
	select {
	case <-i.replaced:
		return nil
	case <-v.ctx.Done():
		return v.closed()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle folds the view in i, from the cursor that it has there, up to the log's end.
func (v *View) settle(ctx context.Context, i *instance) error {
	if !i.use.enter() {
		return i.judge(errGaveUp)
	}
	defer i.use.leave()
	ctx, cancel := v.within(ctx, i)
	defer cancel()
	last, err := v.project.Log.Last(ctx)
	if err != nil {
		return err
	}
	v.project.Log.end.advance(last)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.in, v.writer = i, newViewWriter(i.DB, v.prefix)
	cursor, ok, err := v.stored()
	if err != nil {
		return i.judge(err)
	}
	if v.cursor.set(cursor); !ok || cursor > last {
		if cursor > 0 {
			v.log().Info("a view is folded again from the log", "project", v.project.ID, "view", v.name, "cursor", cursor, "log", last)
		}
		if err := v.clear(); err != nil {
			return err
		}
	}
	err = v.catchUp(ctx, last)
	var fold *foldError
	if err == nil || errors.As(err, &fold) {
		v.home.Store(i)
	}
	return err
}

// within returns a context that ends with ctx, with the view and with i.
func (v *View) within(ctx context.Context, i *instance) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	view, instance := context.AfterFunc(v.ctx, cancel), context.AfterFunc(i.alive, cancel)
	return ctx, func() { view(); instance(); cancel() }
}

// stored returns the cursor in Pebble; ok is false when it is not one of this version
// of the view over this log.
func (v *View) stored() (cursor uint64, ok bool, err error) {
	value, err := get(v.in.DB, v.at)
	identity := v.identity()
	if err != nil || len(value) != len(identity)+8 || string(value[8:]) != string(identity) {
		return 0, false, err
	}
	return binary.LittleEndian.Uint64(value), true, nil
}

// identity is the view's version, the time at which its log was created and, once there are any,
// how many losses of the log were accepted: a view that has folded what is gone is folded again, so that
// what is gone can be stored again and counts.
func (v *View) identity() []byte {
	created := v.project.Log.stream.CachedInfo().Created
	identity := binary.LittleEndian.AppendUint64(binary.AppendVarint(nil, int64(v.version)), uint64(created.UnixNano()))
	if n := v.project.accepted(); n > 0 {
		identity = binary.AppendUvarint(identity, n)
	}
	return identity
}

// clear removes the view's data and sets its cursor to the log's beginning.
func (v *View) clear() error {
	v.writer.forget()
	b := v.in.NewBatch()
	if err := b.DeleteRange(v.prefix, after(v.prefix), nil); err != nil {
		return errors.Join(err, b.Close())
	}
	return v.commit(b, 0)
}

// commit stores b, which it closes, together with the cursor.
func (v *View) commit(b *pebble.Batch, cursor uint64) error {
	value := append(binary.LittleEndian.AppendUint64(nil, cursor), v.identity()...)
	if err := b.Set(v.at, value, nil); err != nil {
		return errors.Join(err, b.Close())
	}
	if err := v.in.commit(b); err != nil {
		return err
	}
	v.cursor.set(cursor)
	return nil
}

// follow folds what is appended until the view closes. After an error it tries again:
// the server may come back, or a Rebuild may lead past what a fold could not take. When the
// instance is replaced it begins anew in the next.
func (v *View) follow() {
	defer close(v.done)
	for v.ctx.Err() == nil { // closing while behind the log: what is left is folded at the next opening
		i := v.project.store.views.now.Load()
		if i.alive.Err() != nil {
			if v.await(v.ctx, i) != nil {
				return // closing
			}
			continue
		}
		err := v.step(i)
		if errors.Is(err, ErrClosed) {
			return
		}
		if err != nil && v.ctx.Err() == nil && i.alive.Err() == nil {
			v.log().Warn("view waits", "project", v.project.ID, "view", v.name, "error", err)
			sleep(v.ctx, v.pauseAfter(err))
		}
	}
}

// step waits for what was appended and folds it in i.
func (v *View) step(i *instance) error {
	if v.home.Load() != i {
		return v.settle(v.ctx, i)
	}
	ctx, cancel := v.within(v.ctx, i)
	defer cancel()
	upto, err := v.project.Log.end.wait(ctx, v.Cursor()+1)
	if err != nil {
		return err
	}
	if !i.use.enter() {
		return i.judge(errGaveUp)
	}
	defer i.use.leave()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.in != i {
		return nil
	}
	return v.catchUp(ctx, upto)
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
		return v.in.judge(err)
	}
	return v.save(cursor)
}

// save stores the changes up to cursor, if it moved.
func (v *View) save(cursor uint64) error {
	if cursor == v.Cursor() {
		return nil
	}
	b := v.in.NewBatch()
	if err := v.writer.store(b); err != nil {
		return errors.Join(err, b.Close())
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
	v.mu.Lock()
	defer v.mu.Unlock()
	i := v.in
	if !i.use.enter() {
		return i.judge(errGaveUp)
	}
	defer i.use.leave()
	ctx, cancel := v.within(ctx, i)
	defer cancel()
	if err = v.clear(); err == nil {
		err = v.catchUp(ctx, last)
	}
	if err == nil {
		err = i.judge(i.Compact(ctx, v.prefix, after(v.prefix), false))
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

// enter returns the instance to read from; leave it. Without one the view is being folded again.
func (v *View) enter() (*instance, error) {
	if !v.use.enter() {
		return nil, v.closed()
	}
	i := v.project.store.views.now.Load()
	if v.home.Load() == i && i.use.enter() {
		return i, nil
	}
	v.use.leave()
	return nil, fmt.Errorf("%w: view %s of %s is folded again from the log, as its files were damaged: it is at batch %d of %d",
		ErrUnavailable, v.name, v.project.ID, v.Cursor(), v.project.Log.end.value())
}

func (v *View) leave(i *instance) {
	i.use.leave()
	v.use.leave()
}

func (v *View) closed() error { return fmt.Errorf("view %s: %w", v.name, ErrClosed) }
