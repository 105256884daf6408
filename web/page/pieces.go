package page

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
)

// Empty is a place that has nothing to show yet: what is missing, and what brings it.
type Empty struct {
	Title   Text
	Missing Text   // what is missing
	Command string // the command that brings it, such as "bellwether import FILE"
	Button  Text   // the button that brings it, with its address
	Href    string
}

// Empty shows what a page without data needs.
func (v *View) Empty(e Empty) (template.HTML, error) { return v.component("empty", e) }

// Notice is a message. Level is "info", "good", "warning" or "error".
type Notice struct {
	Level  string
	Title  Text
	Text   Text
	Advice Text // what to do
	Detail string
	Href   string // where it is dealt with
	Link   Text   // words of that link
}

// Notice shows a message.
func (v *View) Notice(n Notice) (template.HTML, error) { return v.component("notice", n) }

// Notices shows several messages.
func (v *View) Notices(ns []Notice) (template.HTML, error) {
	var all template.HTML
	for _, n := range ns {
		one, err := v.Notice(n)
		if err != nil {
			return "", err
		}
		all += one
	}
	return all, nil
}

// explanation is what the template reads.
type explanation struct{ ID, Word, Text string }

// Explain shows a word of the glossary as a button that says what it means. The catalogue has
// glossary.NAME.word and glossary.NAME.text. It stands within a sentence.
func (v *View) Explain(name string) (template.HTML, error) {
	if name == "" {
		return "", nil
	}
	word := "glossary." + name + ".word"
	if _, ok := v.frame.texts.Text(v.Lang, word); !ok {
		return "", fmt.Errorf("the glossary has no %q", name)
	}
	v.explained++
	id := "explain-" + v.part + name + "-" + strconv.Itoa(v.explained)
	return v.component("explain", explanation{id, v.T(word), v.T("glossary." + name + ".text")})
}

// Pagination leads through pages of something.
type Pagination struct {
	Name        string // of the parameter in the address
	Prefix      string // before the number in it
	Anchor      string // to return to
	Page, Pages int
}

// Previous is the page before, 0 for none.
func (p Pagination) Previous() int { return max(min(p.Page, p.Pages)-1, 0) }

// Next is the page after, 0 for none.
func (p Pagination) Next() int {
	if p.Page >= p.Pages {
		return 0
	}
	return p.Page + 1
}

// Pagination shows the way to the page before and the page after.
func (v *View) Pagination(p Pagination) (template.HTML, error) {
	if p.Pages <= 1 {
		return "", nil
	}
	return v.component("pagination", p)
}

// PageLink is the address of a page of p.
func (v *View) PageLink(p Pagination, page int) string {
	address := v.Query(p.Name, p.Prefix+strconv.Itoa(page))
	if p.Anchor != "" {
		address += "#" + p.Anchor
	}
	return address
}

// Search is a box whose words come back in the address.
type Search struct {
	Name    string // of the parameter; "": q
	Label   Text
	Example Text   // shown while it is empty
	Part    string // the page's part that shows what was found, renewed while typing; "": only when sent
}

// Kept is what a search keeps of the page's address: all but its own words and where its results stood.
func (v *View) Kept(name string) url.Values {
	out := v.Request.URL.Query()
	for _, gone := range []string{name, "page", "part", "csv", "do", "lang"} {
		out.Del(gone)
	}
	return out
}

// Search shows a search box.
func (v *View) Search(s Search) (template.HTML, error) {
	if s.Name == "" {
		s.Name = "q"
	}
	return v.component("search", s)
}
