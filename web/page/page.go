package page

import (
	"context"
	"io/fs"
	"net/http"
	"net/url"
)

// Page is one page of the console.
type Page struct {
	Path     string // as a pattern of [http.ServeMux] without a method: "/models", "/decisions/{id}"
	Role     string // who may see it, as the server's rights table names it
	Group    string // id of the group of the navigation that lists it; "": none
	Title    string // text key of its title
	Summary  string // text key of the line below the title, "": none
	Parent   string // path of the page above, for the breadcrumbs; "": none
	Template string // file in the module's Templates
	Doc      string // what it shows, in English, for the route table
	// Data returns what the template reads as .Data. It may be a [Titled].
	Data func(ctx context.Context, r *http.Request) (any, error)
	// Parts are the templates of the page's file that may be asked for alone (?part=NAME), by [View.Live] and htmx.
	Parts []string
	// Actions are what the page's forms do, by POST.
	Actions []Action
}

// Titled is data with a title of its own, such as a person's or a decision's.
type Titled interface{ PageTitle() Text }

// Action is what a form does. With a Preview it is shown what would happen, and asked, before Do.
type Action struct {
	Name    string // of the form on its page
	Role    string // who may do it; "": who may see the page
	Title   Text   // heading of the form
	Button  Text   // on the button that does it
	Fields  []Field
	Preview func(ctx context.Context, values url.Values) (Preview, error)
	// Do does it and returns what a person reads then.
	Do func(ctx context.Context, values url.Values) (Text, error)
}

// Field is one field of a form.
type Field struct {
	Name     string
	Label    Text
	Help     Text
	Kind     string // "text" (the zero value), "number", "email", "date", "hidden", "checkbox", "select", "area"
	Value    string
	Options  []Option // of a select
	Required bool
}

// Option is one choice of a select field.
type Option struct {
	Value string
	Label Text
}

// Preview is what an action would do.
type Preview struct {
	Summary Text
	Facts   []Definition
	Table   *Table
	Nothing bool // there is nothing to do: no confirmation is offered
}

// Module is what one application gives to the console.
type Module struct {
	Name      string // of the application, for error messages
	Pages     []Page
	Templates fs.FS // the pages' files; files that begin with "_" are parsed with each of them
	Texts     fs.FS // en.json and zh.json, see [Catalogue]
}

// Group is a group of the navigation.
type Group struct {
	ID    string // what [Page.Group] names
	Title string // text key of its heading; "": none
}

// Entry is one line of the navigation: made of pages, or given for other addresses.
type Entry struct {
	Title   string // text key
	Address string
	Group   string
	Role    string
}

// Route is a row for the server's route table.
type Route struct {
	Method, Path, Role, Doc string
	Handler                 http.Handler
}

// Error is an error that says to a person what to do. Its text is shown as it is.
type Error struct {
	Status int   // of HTTP; 0: 500
	Title  Text  // what happened, in a few words; zero: by Status
	Advice Text  // what to do
	Err    error // the cause, shown in the details
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return http.StatusText(e.Status)
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// NotFound is the error of an address that names nothing that exists.
func NotFound(err error) error { return &Error{Status: http.StatusNotFound, Err: err} }
