package pipeline

import "errors"

// Errors that a caller can act on. They come wrapped with what was being done.
var (
	// ErrBadRequest means that the request cannot be answered as it is; the text says what to change.
	ErrBadRequest = errors.New("bad request")
	// ErrNothingToRecommend means that no item is known, or that none may be shown to this person.
	ErrNothingToRecommend = errors.New("no item may be recommended: import a catalogue or events with items, or loosen the filters")
	// ErrNoRun means that nothing was trained yet.
	ErrNoRun = errors.New("nothing was trained yet: run train first")
	// ErrStranger means that no model can answer for a person of whom nothing is known.
	ErrStranger = errors.New("the person is unknown")
	// ErrNoData means that the log holds too little to learn from; the text says what is missing.
	ErrNoData = errors.New("too little data to learn from")
)
