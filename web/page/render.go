package page

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// policy lets nothing onto a page that is not a file of this server.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// show answers with a page, one part of it, or one of its tables as a file.
func (f *Frame) show(p *compiled, w http.ResponseWriter, r *http.Request, actions map[string]*pending) {
	if !f.allowed(r, p.Role) {
		f.fail(p, w, r, &Error{Status: http.StatusForbidden, Err: fmt.Errorf("this page needs the role %s", p.Role)})
		return
	}
	v := f.view(p, r)
	v.actions = actions
	if err := f.load(v, p); err != nil {
		f.fail(p, w, r, err)
		return
	}
	status := http.StatusOK
	for _, a := range actions {
		if a.err != nil {
			status = f.status(a.err)
		}
	}
	q := r.URL.Query()
	if id := q.Get("csv"); id != "" {
		f.download(v, p, w, r, id)
		return
	}
	var out []byte
	var err error
	if part := q.Get("part"); part != "" {
		if !slices.Contains(p.Parts, part) {
			f.fail(p, w, r, NotFound(fmt.Errorf("the page has no part %q", part)))
			return
		}
		var h template.HTML
		h, err = v.Part(part)
		out = []byte(h)
	} else {
		out, err = f.page(v, f.flash(w, r))
	}
	if err != nil {
		f.fail(p, w, r, fmt.Errorf("the page could not be made: %w", err))
		return
	}
	f.write(w, r, status, out)
}

// download answers with a table of the page as CSV.
func (f *Frame) download(v *View, p *compiled, w http.ResponseWriter, r *http.Request, id string) {
	v.csv = &wanted{id: id}
	if err := v.tmpl.Execute(&bytes.Buffer{}, v); err != nil {
		f.fail(p, w, r, fmt.Errorf("the table could not be made: %w", err))
		return
	}
	if v.csv.table == nil {
		f.fail(p, w, r, NotFound(fmt.Errorf("the page has no table %q", id)))
		return
	}
	var out bytes.Buffer
	if err := v.writeCSV(&out, v.csv.table); err != nil {
		f.fail(p, w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+file(id)+`.csv"`)
	f.write(w, r, http.StatusOK, out.Bytes())
}

// file keeps of a name what a file's name can have anywhere.
func file(name string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return -1
	}, name)
}

// layout is what the layout's template reads.
type layout struct {
	Title      string
	Summary    string
	Tag        string
	Project    string
	Home       string
	Crumbs     []crumb
	Navigation []section
	Languages  []switcher
	Done       *Notice
	Problem    *problem
	Content    template.HTML
	SignOut    string
}

type switcher struct {
	Name, Tag, Address string
	Current            bool
}

type problem struct {
	Notice Notice
	Back   string
}

// page puts a page's content into the layout.
func (f *Frame) page(v *View, done *Notice) ([]byte, error) {
	var content bytes.Buffer
	if err := v.tmpl.Execute(&content, v); err != nil {
		return nil, err
	}
	l := f.layout(v)
	l.Title, l.Content, l.Done = v.T(v.Page.Title), template.HTML(content.String()), done
	if t, ok := v.Data.(Titled); ok {
		l.Title = v.Say(t.PageTitle())
	}
	if v.Page.Summary != "" {
		l.Summary = v.T(v.Page.Summary)
	}
	return v.layout(l)
}

func (f *Frame) layout(v *View) layout {
	l := layout{
		Tag: languageNames[v.Lang].Tag, Home: f.o.Home,
		Crumbs: v.crumbs(), Navigation: v.navigation(), SignOut: f.o.SignOut,
	}
	if f.o.Project != nil {
		l.Project = f.o.Project(v.Request)
	}
	for _, lang := range Languages {
		n := languageNames[lang]
		l.Languages = append(l.Languages, switcher{n.Name, n.Tag, v.Query("lang", lang), lang == v.Lang})
	}
	return l
}

func (v *View) layout(l layout) ([]byte, error) {
	h, err := v.component("layout", l)
	return []byte(h), err
}

// Asset returns the address of a file of the frame, with the hash of its content in it.
func (v *View) Asset(name string) string { return v.frame.names[name] }

// problem says an error to a person: what happened and what to do.
func (v *View) problem(err error) (what, advice string) {
	var e *Error
	what = v.Say(Say(err.Error()))
	if errors.As(err, &e) {
		if !e.Title.IsZero() {
			what = v.Say(e.Title)
		}
		if !e.Advice.IsZero() {
			advice = v.Say(e.Advice)
		}
	}
	return what, advice
}

// fail shows an error in the frame; to a request for a part, as a notice alone.
func (f *Frame) fail(p *compiled, w http.ResponseWriter, r *http.Request, err error) {
	status := f.status(err)
	if r.Context().Err() != nil {
		return // the reader left
	}
	if status >= http.StatusInternalServerError {
		f.o.Logger.ErrorContext(r.Context(), "a page failed", "path", r.URL.Path, "error", err)
	}
	v := f.view(p, r)
	title := "page.error.status." + strconv.Itoa(status)
	if _, ok := f.texts.Text(v.Lang, title); !ok {
		title = "page.error.title"
	}
	n := Notice{Level: "error", Title: T(title), Advice: T(title + ".advice"), Detail: v.Say(Say(err.Error()))}
	if _, ok := f.texts.Text(v.Lang, n.Advice.Key); !ok {
		n.Advice = T("page.error.advice")
	}
	var e *Error
	if errors.As(err, &e) {
		if !e.Title.IsZero() {
			n.Title = e.Title
		}
		if !e.Advice.IsZero() {
			n.Advice = e.Advice
		}
	}
	var out []byte
	var made error
	if r.URL.Query().Get("part") != "" {
		var h template.HTML
		h, made = v.Notice(n)
		out = []byte(h)
	} else {
		l := f.layout(v)
		l.Title, l.Problem = v.Say(n.Title), &problem{n, f.o.Home}
		out, made = v.layout(l)
	}
	if made != nil {
		f.o.Logger.ErrorContext(r.Context(), "the page of an error failed", "error", made)
		http.Error(w, err.Error(), status)
		return
	}
	f.write(w, r, status, out)
}

// write sends a page, compressed where the browser takes it.
func (f *Frame) write(w http.ResponseWriter, r *http.Request, status int, out []byte) {
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "text/html; charset=utf-8")
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept-Encoding, Accept-Language, Cookie")
	if lang := r.URL.Query().Get("lang"); slices.Contains(Languages, lang) {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: lang, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode})
	}
	if len(out) > 1<<10 && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		out = compress(out, gzip.BestSpeed)
	}
	h.Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(status)
	_, _ = w.Write(out) // the browser left: nobody is left to tell
}

func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.Trim(strings.TrimPrefix(strings.TrimSpace(q), "q="), "0.") != "" || name == "gzip" && q == "" {
			return true
		}
	}
	return false
}

func compress(b []byte, level int) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // writing to memory does not fail, and the levels are constants
	}
	return out.Bytes()
}

const doneCookie = "bellwether-done"

// remember keeps what was done for the page that is shown next.
func (f *Frame) remember(w http.ResponseWriter, r *http.Request, done Text) {
	v := &View{Lang: language(r), Request: r, frame: f, Now: f.o.Clock()}
	text := base64.RawURLEncoding.EncodeToString([]byte(v.Say(done)))
	http.SetCookie(w, &http.Cookie{Name: doneCookie, Value: text[:min(len(text), 3000)], Path: "/", MaxAge: int(time.Minute / time.Second), HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// flash takes what was remembered.
func (f *Frame) flash(w http.ResponseWriter, r *http.Request) *Notice {
	c, err := r.Cookie(doneCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: doneCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(text) == 0 {
		return nil
	}
	return &Notice{Level: "good", Title: Plain(string(text))}
}
