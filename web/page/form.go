package page

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
)

// pending is an action that a request asked for: its values, and what came of it.
type pending struct {
	values  url.Values
	preview *Preview
	err     error
}

// form is what the template reads.
type form struct {
	*Action
	Fields  []Field
	Address string
	Asks    bool // the first button shows what would happen
	Preview *Preview
	Problem string
	Advice  string
	Values  url.Values
}

// Form shows the form of an action of the page: its fields with a button that previews, and then what
// would happen with a button that confirms. It works without JavaScript.
func (v *View) Form(name string) (template.HTML, error) {
	a := v.Page.action(name)
	if a == nil {
		return "", fmt.Errorf("page %s has no action %q", v.Page.Path, name)
	}
	if !v.frame.allowed(v.Request, a.Role) {
		return "", nil
	}
	in := form{Action: a, Address: v.Query("do", name) + "#" + name, Asks: a.Preview != nil}
	p := v.actions[name]
	for _, f := range a.Fields {
		if p != nil && (f.Kind != "hidden" || p.values.Has(f.Name)) {
			f.Value = p.values.Get(f.Name)
		}
		in.Fields = append(in.Fields, f)
	}
	if p != nil {
		in.Preview, in.Values = p.preview, p.values
		if p.err != nil {
			in.Problem, in.Advice = v.problem(p.err)
		}
	}
	return v.component("form", in)
}

// Token is the hidden field by which the server knows a form of its own session.
func (v *View) Token() template.HTML {
	if v.frame.o.Token == nil {
		return ""
	}
	name, value := v.frame.o.Token(v.Request)
	return template.HTML(`<input type="hidden" name="` + template.HTMLEscapeString(name) + `" value="` + template.HTMLEscapeString(value) + `">`)
}

func (p *Page) action(name string) *Action {
	for i := range p.Actions {
		if p.Actions[i].Name == name {
			return &p.Actions[i]
		}
	}
	return nil
}

// act answers a POST: the preview on the page, or the deed and then the page again with what was done.
func (f *Frame) act(p *compiled, w http.ResponseWriter, r *http.Request) {
	if err := f.origin.Check(r); err != nil {
		f.fail(p, w, r, &Error{Status: http.StatusForbidden, Advice: T("page.error.origin"), Err: err})
		return
	}
	a := p.action(r.URL.Query().Get("do"))
	switch {
	case a == nil:
		f.fail(p, w, r, NotFound(fmt.Errorf("the page has no such form")))
		return
	case !f.allowed(r, a.Role):
		f.fail(p, w, r, &Error{Status: http.StatusForbidden, Err: fmt.Errorf("this needs the role %s", a.Role)})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		f.fail(p, w, r, &Error{Status: http.StatusBadRequest, Err: fmt.Errorf("reading the form: %w", err)})
		return
	}
	if f.o.Token != nil {
		name, _ := f.o.Token(r)
		r.PostForm.Del(name) // the forms of the answer bring their own
	}
	state := &pending{values: r.PostForm}
	if a.Preview != nil && r.PostForm.Get("confirmed") != "yes" {
		preview, err := a.Preview(r.Context(), r.PostForm)
		state.preview, state.err = &preview, err
		if err != nil {
			state.preview = nil
		}
		f.show(p, w, r, map[string]*pending{a.Name: state})
		return
	}
	done, err := a.Do(r.Context(), r.PostForm)
	if err != nil {
		state.err = err
		f.show(p, w, r, map[string]*pending{a.Name: state})
		return
	}
	f.remember(w, r, done)
	v := &View{Request: r, Page: p.Page}
	http.Redirect(w, r, v.Query("do", ""), http.StatusSeeOther)
}
