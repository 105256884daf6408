package store

import "errors"

// Errors that a caller can act on. They come wrapped with what was being done.
var (
	// ErrUnavailable means that nothing is being stored now: the disk is full or the
	// server is away. Try again later; the store recovers by itself.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrNotFound means that there is no such key, object or project.
	ErrNotFound = errors.New("not found")
	// ErrConflict means that the key was changed by someone else: read it and try again.
	ErrConflict = errors.New("conflicts with another change")
	// ErrNewerFormat means that a newer program wrote the data. The text names the version that is needed.
	ErrNewerFormat = errors.New("stored in a newer format")
	// ErrLocked means that another process has the folder open.
	ErrLocked = errors.New("folder is in use by another process")
	// ErrTooLarge means that one record or value is larger than the server takes in one message.
	ErrTooLarge = errors.New("too large")
	// ErrClosed means that the store or view was closed.
	ErrClosed = errors.New("closed")
)
