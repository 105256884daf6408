// Package app is what an application is made of, and what it works with.
//
// An [Application] is a value: its learning tasks, its routes, its commands and its pages, in a folder of its own. The list in
// package apps names them all; nothing else knows an application by name. Its requests are functions of a [Project]; a
// route, a shell command and a button call the same one.
package app

import (
	"context"
	"errors"
	"io"

	"bellwether"
	"bellwether/learn"
	"bellwether/web"
	"bellwether/web/page"

	"github.com/spf13/cobra"
)

// Application is one application.
type Application struct {
	Name     string // of its folder
	Title    string // for people
	Tasks    []learn.Task
	Routes   []web.Route
	Commands func(Shell) []*cobra.Command // nil: none
	Pages    *page.Module                 // nil: none
	Exports  []Export
	Failures []web.Failure // what its errors answer
}

// Export is one thing that can be had as a file.
type Export struct {
	Name        string // what is asked for
	Doc         string
	ContentType string
	Write       func(ctx context.Context, p *Project, w io.Writer) error
}

// Tasks returns the tasks of all applications, in their order.
func Tasks(all []Application) (out []learn.Task) {
	for _, a := range all {
		out = append(out, a.Tasks...)
	}
	return out
}

// Errors that a caller can act on. They come wrapped with what was being done.
var (
	// ErrBadRequest means that the request cannot be answered as it is; the text says what to change.
	ErrBadRequest = errors.New("bad request")
	// ErrUnknownPerson means that no model can answer for a person of whom nothing is known.
	ErrUnknownPerson = errors.New("the person is unknown")
	// ErrWithheld means that a check keeps an answer from being shown or decided on.
	ErrWithheld = errors.New("the answer is withheld")
)

// Answer is a decision with why its model answered.
type Answer struct {
	Decision bellwether.Decision
	Reason   string // "" when the model in service answered
}

// ActionRequest asks which of a few named actions to take for one person.
type ActionRequest struct {
	Subject   bellwether.Subject
	Anonymous bellwether.AnonymousID // used when Subject is empty
	Surface   bellwether.Surface
	Actions   []string  // the last one is what the holdout gets
	Values    []float64 // what each action is worth, or its effect, in the unit of the surface's policy; nil: not known, and all are equal to it
	Key       string    // idempotency key; "": a new decision
	Context   map[string]float64
	History   []bellwether.Event // preview only, in the order of time: replaces what is known; nil: what is known
	Preview   bool               // compute and log nothing
	Holdout   *bool              // preview only: as if the person were in the holdout, or not
}

// Act answers an ActionRequest: one application gives it, others ask.
type Act func(ctx context.Context, p *Project, r ActionRequest) (Answer, error)
