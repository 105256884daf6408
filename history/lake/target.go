package lake

import (
	"context"
	"io"

	"bellwether/store"
)

// Target is where a lake lies: a [Folder], or an object store such as *store.Objects.
type Target interface {
	// Put stores what r yields under name: whole, or not at all. Readers see the old content or the new.
	Put(ctx context.Context, name string, r io.Reader) error
	// Get opens what is stored under name; store.ErrNotFound if nothing is.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List describes what has a name that begins with prefix, in the order of names.
	List(ctx context.Context, prefix string) ([]store.ObjectInfo, error)
	// Delete removes a name; an absent one is no error.
	Delete(ctx context.Context, name string) error
}

// flusher is a target that makes durable what was put since the last call, all at once; another target's Put does so itself.
type flusher interface {
	Flush() error
}

func flush(t Target) error {
	if f, ok := t.(flusher); ok {
		return f.Flush()
	}
	return nil
}
