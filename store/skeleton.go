package store

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"bellwether"
)

var errSkeleton = errors.New("store: being built")

// Options of a Store. The zero value works.
type Options struct {
	URL         string        // of an external NATS server or cluster; "" means embedded
	Replicas    int           // copies of each stream in an external cluster; 0 means 1
	GroupWindow time.Duration // longest wait of an append for company; 0 means 2 ms
	Timeout     time.Duration // longest wait for the server before ErrUnavailable; 0 means 5 s
	MinFree     int64         // bytes of disk below which nothing is stored; 0 means 64 MiB, negative means no limit
	Logger      *slog.Logger  // nil means none
}

// Store is an open folder.
type Store struct{}

// Open opens or creates the store in dir.
func Open(ctx context.Context, dir string, o Options) (*Store, error) { return nil, errSkeleton }

// Close closes every project and waits for what is under way.
func (s *Store) Close() error { return nil }

// Project returns the project, creating it at its first use.
func (s *Store) Project(ctx context.Context, id bellwether.ProjectID) (*Project, error) {
	return nil, errSkeleton
}

// Projects lists the projects in order.
func (s *Store) Projects(ctx context.Context) ([]bellwether.ProjectID, error) {
	return nil, errSkeleton
}

// Project is the data of one tenant.
type Project struct {
	ID      bellwether.ProjectID
	Log     *Log
	KV      *KV
	Objects *Objects
}

// Log is the project's log.
type Log struct{}

// Append stores records in their order; they are on disk when it returns.
func (l *Log) Append(ctx context.Context, records ...Record) (sequence uint64, err error) {
	return 0, errSkeleton
}

// Read calls fn with each batch after the sequence after, up to the log's end as of the call.
func (l *Log) Read(ctx context.Context, after uint64, fn func(Batch) error) error { return errSkeleton }

// Last returns the sequence of the last batch, 0 when there is none.
func (l *Log) Last(ctx context.Context) (uint64, error) { return 0, errSkeleton }

// KV holds small values by key.
type KV struct{}

// Entry is one value of a KV.
type Entry struct {
	Value    []byte
	Revision uint64
	Time     time.Time
}

// Get returns the value of key, or ErrNotFound.
func (kv *KV) Get(ctx context.Context, key string) (Entry, error) { return Entry{}, errSkeleton }

// Put sets key, whatever it held.
func (kv *KV) Put(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	return 0, errSkeleton
}

// Create sets key if it is absent, else returns ErrConflict.
func (kv *KV) Create(ctx context.Context, key string, value []byte) (revision uint64, err error) {
	return 0, errSkeleton
}

// Update sets key if it still has the revision, else returns ErrConflict.
func (kv *KV) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return 0, errSkeleton
}

// Delete removes key; an absent key is no error.
func (kv *KV) Delete(ctx context.Context, key string) error { return errSkeleton }

// Keys lists the keys that begin with prefix, in order.
func (kv *KV) Keys(ctx context.Context, prefix string) ([]string, error) { return nil, errSkeleton }

// Objects holds large things by name.
type Objects struct{}

// ObjectInfo describes one object.
type ObjectInfo struct {
	Name   string
	Size   int64
	Time   time.Time
	Digest string // "SHA-256=" and its base64url form
}

// Put stores what r yields under name, replacing what was there in one step.
func (o *Objects) Put(ctx context.Context, name string, r io.Reader) error { return errSkeleton }

// Get opens the object, or returns ErrNotFound.
func (o *Objects) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	return nil, errSkeleton
}

// List describes the objects whose name begins with prefix, in order.
func (o *Objects) List(ctx context.Context, prefix string) ([]ObjectInfo, error) {
	return nil, errSkeleton
}

// Delete removes the object; an absent one is no error.
func (o *Objects) Delete(ctx context.Context, name string) error { return errSkeleton }

// Fold writes into the view what b changes.
type Fold func(w *ViewWriter, b Batch) error

// ViewWriter changes a view inside a Fold.
type ViewWriter struct{}

// Get returns the value of key as changed so far; nil when absent.
func (w *ViewWriter) Get(key []byte) ([]byte, error) { return nil, errSkeleton }

// Set sets key. Both slices are copied.
func (w *ViewWriter) Set(key, value []byte) {}

// Delete removes key.
func (w *ViewWriter) Delete(key []byte) {}

// View is keys and values folded from the log.
type View struct{}

// View opens the view name, folded up to the log's end as of the call.
func (p *Project) View(ctx context.Context, name string, version int, fold Fold) (*View, error) {
	return nil, errSkeleton
}

// Get returns the value of key, nil when absent.
func (v *View) Get(key []byte) ([]byte, error) { return nil, errSkeleton }

// Scan calls fn with the keys that begin with prefix in order, until fn returns false. k and v are valid until fn returns.
func (v *View) Scan(prefix []byte, fn func(k, v []byte) bool) error { return errSkeleton }

// ScanReverse is Scan from the last key to the first.
func (v *View) ScanReverse(prefix []byte, fn func(k, v []byte) bool) error { return errSkeleton }

// Wait returns once the view holds the batch with this sequence.
func (v *View) Wait(ctx context.Context, sequence uint64) error { return errSkeleton }

// Cursor returns the sequence of the last batch that the view holds.
func (v *View) Cursor() uint64 { return 0 }

// Rebuild folds the log again from its beginning.
func (v *View) Rebuild(ctx context.Context) error { return errSkeleton }

// Close stops following the log. The view's data stay.
func (v *View) Close() error { return nil }
