package page

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

//go:embed components/*.html.tmpl
var componentFiles embed.FS

//go:embed texts
var ownTexts embed.FS

// Texts are the frame's own texts, for the test that finds missing keys.
func Texts() fs.FS { return Sub(ownTexts, "texts") }

// Options configure [New].
type Options struct {
	Project  func(r *http.Request) string // shown in the frame; nil: none
	Home     string                       // address behind the product's name; "": "/"
	Groups   []Group                      // of the navigation, in order
	Entries  []Entry                      // of the navigation besides the pages
	Location *time.Location               // of the times on the pages; nil: UTC
	Clock    func() time.Time             // nil: time.Now
	Logger   *slog.Logger                 // nil: slog.Default
	// Allowed reports whether who sends r has a role; nil: everybody has every role. It decides what the
	// navigation lists and is asked again before a page is made or a form is done.
	Allowed func(r *http.Request, role string) bool
	// Status is the HTTP status of an error that is no [Error]; nil, or 0: 500.
	Status func(error) int
	// Token gives the hidden field that every form of a session must bring along; nil: none.
	Token func(r *http.Request) (name, value string)
	// SignOut is the address that a "Sign out" button posts to; "": no button.
	SignOut string
}

// Frame is the console: its pages in one layout.
type Frame struct {
	o          Options
	texts      Catalogue
	components *template.Template
	pages      []*compiled
	assets     map[string]*asset // by address
	names      map[string]string // file → address
	origin     *http.CrossOriginProtection
	mux        *http.ServeMux
}

// compiled is a page with its parsed template.
type compiled struct {
	*Page
	tmpl *template.Template
}

// New joins the modules' pages. It is an error when a template does not parse, a text is missing or
// two pages have one address: found at the start and not by a reader.
func New(o Options, modules ...Module) (*Frame, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Home == "" {
		o.Home = "/"
	}
	f := &Frame{o: o, origin: http.NewCrossOriginProtection()}
	if err := f.texts.Read(Texts()); err != nil {
		return nil, err
	}
	var err error
	if f.components, err = template.ParseFS(componentFiles, "components/*.html.tmpl"); err != nil {
		return nil, fmt.Errorf("parsing the components: %w", err)
	}
	f.assets, f.names = loadAssets()
	for _, m := range modules { // all texts first: a page's title may be another module's
		if m.Texts == nil {
			continue
		}
		if err := f.texts.Read(m.Texts); err != nil {
			return nil, fmt.Errorf("texts of %s: %w", m.Name, err)
		}
	}
	for _, m := range modules {
		if err := f.add(m); err != nil {
			return nil, fmt.Errorf("pages of %s: %w", m.Name, err)
		}
	}
	return f, f.route()
}

func (f *Frame) add(m Module) error {
	if len(m.Pages) == 0 {
		return nil
	}
	shared, err := fs.Glob(m.Templates, "_*")
	if err != nil {
		return err
	}
	for i := range m.Pages {
		p := &m.Pages[i]
		t, err := template.New(p.Template).ParseFS(m.Templates, append(shared, p.Template)...)
		if err != nil {
			return fmt.Errorf("template of %s: %w", p.Path, err)
		}
		for _, part := range p.Parts {
			if t.Lookup(part) == nil {
				return fmt.Errorf("%s defines no part %q", p.Template, part)
			}
		}
		for _, key := range []string{p.Title, p.Summary} {
			for _, lang := range Languages {
				if _, ok := f.texts.Text(lang, key); key != "" && !ok {
					return fmt.Errorf("page %s: no text %s in %s", p.Path, key, lang)
				}
			}
		}
		f.pages = append(f.pages, &compiled{p, t})
	}
	return nil
}

// route makes the frame's own mux of its routes; an address that is there twice is an error.
func (f *Frame) route() error {
	f.mux = http.NewServeMux()
	there := map[string]bool{}
	for _, r := range f.Routes() {
		pattern := r.Method + " " + r.Path
		if r.Path == "/" {
			pattern = r.Method + " /{$}"
		}
		if there[pattern] {
			return fmt.Errorf("two pages are at %s", pattern)
		}
		there[pattern] = true
		f.mux.Handle(pattern, r.Handler)
	}
	return nil
}

// Routes are the rows of the route table: each page, each page's forms, and the assets.
func (f *Frame) Routes() []Route {
	var out []Route
	for _, p := range f.pages {
		doc := p.Doc
		if doc == "" {
			doc, _ = f.texts.Text(Languages[0], p.Title)
		}
		show := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.show(p, w, r, nil) })
		out = append(out, Route{http.MethodGet, p.Path, p.Role, doc, show})
		if len(p.Actions) > 0 {
			act := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.act(p, w, r) })
			out = append(out, Route{http.MethodPost, p.Path, p.Role, doc + ": its forms", act})
		}
	}
	return append(out, Route{http.MethodGet, assetPath + "{name}", "", "styles, scripts and pictures of the console", http.HandlerFunc(f.asset)})
}

// ServeHTTP serves the pages and assets; any other address is the page of an error.
func (f *Frame) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := f.mux.Handler(r); pattern == "" {
		f.Fail(w, r, NotFound(errors.New("no page is at this address")))
		return
	}
	f.mux.ServeHTTP(w, r)
}

// Fail shows an error as a page, for handlers beside the frame.
func (f *Frame) Fail(w http.ResponseWriter, r *http.Request, err error) {
	f.fail(&compiled{Page: &Page{Path: r.URL.Path}}, w, r, err)
}

// Render makes a page in a language without serving it, for files and tests.
func (f *Frame) Render(ctx context.Context, path, lang string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Language", lang)
	i := slices.IndexFunc(f.pages, func(p *compiled) bool { return p.Path == r.URL.Path })
	if i < 0 {
		return nil, fmt.Errorf("no page is at %s", path)
	}
	v := f.view(f.pages[i], r)
	if err := f.load(v, f.pages[i]); err != nil {
		return nil, err
	}
	return f.page(v, nil)
}

func (f *Frame) allowed(r *http.Request, role string) bool {
	return role == "" || f.o.Allowed == nil || f.o.Allowed(r, role)
}

func (f *Frame) view(p *compiled, r *http.Request) *View {
	return &View{Lang: language(r), Page: p.Page, Request: r, Now: f.o.Clock(), frame: f, tmpl: p.tmpl}
}

func (f *Frame) load(v *View, p *compiled) (err error) {
	if p.Data == nil {
		return nil
	}
	v.Data, err = p.Data(v.Request.Context(), v.Request)
	return err
}

// status is an error's status of HTTP.
func (f *Frame) status(err error) int {
	var e *Error
	switch {
	case errors.As(err, &e) && e.Status != 0:
		return e.Status
	case f.o.Status != nil && f.o.Status(err) != 0:
		return f.o.Status(err)
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// Sub is a folder of embedded files; it panics where there is none, since the folder is a constant of the package that names it.
func Sub(files fs.FS, folder string) fs.FS {
	inner, err := fs.Sub(files, folder)
	if err != nil {
		panic(err) // the folder's name is a constant of this package
	}
	return inner
}

// crumb is one step from the first page to this one.
type crumb struct{ Title, Address string }

// crumbs leads from the page's uppermost parent to the page.
func (v *View) crumbs() (out []crumb) {
	for at, n := v.Page.Parent, 0; at != "" && n < 10; n++ {
		i := slices.IndexFunc(v.frame.pages, func(p *compiled) bool { return p.Path == at })
		if i < 0 {
			break
		}
		out = append(out, crumb{v.T(v.frame.pages[i].Title), at})
		at = v.frame.pages[i].Parent
	}
	slices.Reverse(out)
	return out
}

// section is a group of the navigation with its entries, for one reader.
type section struct {
	Title   string
	Entries []navigated
}

type navigated struct {
	Title, Address string
	Current        bool
}

// navigation lists what the reader may open.
func (v *View) navigation() (out []section) {
	entries := make([]Entry, 0, len(v.frame.pages)+len(v.frame.o.Entries))
	for _, p := range v.frame.pages {
		if p.Group != "" && !strings.Contains(p.Path, "{") {
			entries = append(entries, Entry{p.Title, p.Path, p.Group, p.Role})
		}
	}
	entries = append(entries, v.frame.o.Entries...)
	for _, g := range v.frame.o.Groups {
		s := section{}
		if g.Title != "" {
			s.Title = v.T(g.Title)
		}
		for _, e := range entries {
			if e.Group == g.ID && v.frame.allowed(v.Request, e.Role) {
				current := e.Address == v.Page.Path || e.Address != "/" && e.Address == v.Page.Parent
				s.Entries = append(s.Entries, navigated{v.T(e.Title), e.Address, current})
			}
		}
		if len(s.Entries) > 0 {
			out = append(out, s)
		}
	}
	return out
}
