package host

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/web"
	"bellwether/web/console"
)

// source shows the project of the call on the pages that belong to no application.
type source struct{}

var errNotYet = fmt.Errorf("this page has no data yet")

// Today implements [console.Source].
func (source) Today(context.Context) (console.Today, error) { return console.Today{}, errNotYet }

// Report implements [console.Source].
func (source) Report(context.Context) (console.Report, error) { return console.Report{}, errNotYet }

// Models implements [console.Source].
func (source) Models(context.Context) (console.Models, error) { return console.Models{}, errNotYet }

// Decisions implements [console.Source].
func (source) Decisions(context.Context, console.Query) (console.Decisions, error) {
	return console.Decisions{}, errNotYet
}

// Decision implements [console.Source].
func (source) Decision(context.Context, bellwether.DecisionID) (console.Decision, error) {
	return console.Decision{}, errNotYet
}

// Data implements [console.Source].
func (source) Data(context.Context) (console.Data, error) { return console.Data{}, errNotYet }

// Replay implements [console.Source].
func (source) Replay(context.Context, string, bool) (console.Replayed, error) {
	return console.Replayed{}, errNotYet
}

var _ = web.Admin
