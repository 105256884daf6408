package web

import (
	"context"
	"fmt"

	"bellwether"
)

// Call is who asks, and of which project.
type Call struct {
	Project bellwether.ProjectID
	Role    Role
	Key     string // id of the key, as listed; "": none was needed
	Local   bool   // over the socket in the data folder or within the program
	Token   string // that a form of this session must bring along; "": not a session

	project  any
	progress func(bellwether.Progress)
}

type callKey struct{}

// withCall returns ctx with a call in it.
func withCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallFrom returns the call that ctx belongs to; the zero value outside of one.
func CallFrom(ctx context.Context) Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return *c
	}
	return Call{}
}

// ProjectFrom returns the open project of the call, as the server's Options.Project gave it; nil outside of one.
func ProjectFrom(ctx context.Context) any { return CallFrom(ctx).project }

// ProjectOf returns the open project of the call as a T.
func ProjectOf[T any](ctx context.Context) (T, error) {
	t, ok := ProjectFrom(ctx).(T)
	if !ok {
		return t, NotFound("project %q is not open, or can't do this", CallFrom(ctx).Project)
	}
	return t, nil
}

// WithProject returns ctx as a handler sees it in a call about an open project: for tests of handlers, and for a
// program that calls one without a request.
func WithProject(ctx context.Context, id bellwether.ProjectID, role Role, project any) context.Context {
	return withCall(ctx, &Call{Project: id, Role: role, Local: true, project: project})
}

// Progress returns what takes reports of a call that takes long; it is never nil. Where nobody reads them, they go nowhere.
func Progress(ctx context.Context) func(bellwether.Progress) {
	if p := CallFrom(ctx).progress; p != nil {
		return p
	}
	return func(bellwether.Progress) {}
}

func (c *Call) String() string { return fmt.Sprintf("%s as %s", c.Project, c.Role) }
