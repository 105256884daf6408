package page

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// View is what a template reads: the page's data, and the components as methods.
type View struct {
	Lang    string // "en", "zh"
	Page    *Page
	Data    any
	Request *http.Request
	Now     time.Time

	frame     *Frame
	tmpl      *template.Template // of the page
	actions   map[string]*pending
	csv       *wanted // the table that is to be downloaded, if one is
	explained int     // explanations so far, for their ids
	part      string
}

// wanted is a table that a page is asked for as a file.
type wanted struct {
	id    string
	table *Table
}

func (v *View) zone() *time.Location {
	if v.frame.o.Location != nil {
		return v.frame.o.Location
	}
	return time.UTC
}

// T returns the text of a key in the view's language. A key that is missing is shown as it is.
func (v *View) T(key string, args ...any) string {
	text, ok := v.frame.texts.Text(v.Lang, key)
	if !ok {
		return key
	}
	return v.fill(text, args)
}

// Say writes a text in the view's language.
func (v *View) Say(t Text) string {
	s := v.say(t)
	if first, n := utf8.DecodeRuneInString(s); t.Capital {
		return string(unicode.ToUpper(first)) + s[n:]
	}
	return s
}

func (v *View) say(t Text) string {
	switch {
	case t.Key != "":
		if _, ok := v.frame.texts.Text(v.Lang, t.Key); !ok && t.Words != "" {
			return t.Words
		}
		return v.T(t.Key, t.Args...)
	case t.Sentence != "":
		return longDecimals.ReplaceAllStringFunc(v.frame.texts.say(v.Lang, t.Sentence), func(n string) string {
			f, err := strconv.ParseFloat(n, 64)
			if err != nil {
				return n
			}
			return fixed(f, decimals(f))
		})
	}
	return t.Words
}

// longDecimals are numbers that a sentence of a lower package has in full.
var longDecimals = regexp.MustCompile(`\d+\.\d{4,}`)

var holes = regexp.MustCompile(`\{(\d+)(?:\|([^|}]*)\|([^}]*))?\}`)

// fill puts the arguments into a text.
func (v *View) fill(text string, args []any) string {
	if !strings.Contains(text, "{") {
		return text
	}
	return holes.ReplaceAllStringFunc(text, func(hole string) string {
		m := holes.FindStringSubmatch(hole)
		n, err := strconv.Atoi(m[1])
		if err != nil || n >= len(args) {
			return hole
		}
		if strings.Contains(hole, "|") {
			if f, ok := float(args[n]); ok && f == 1 {
				return m[2]
			}
			return m[3]
		}
		return v.words(args[n])
	})
}

// HTML writes a text of the catalogue in which values may be shown with their markup.
func (v *View) HTML(key string, args ...any) template.HTML {
	text, ok := v.frame.texts.Text(v.Lang, key)
	if !ok {
		text = key
	}
	var b strings.Builder
	rest := text
	for rest != "" {
		at := holes.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		b.WriteString(template.HTMLEscapeString(rest[:at[0]]))
		n, err := strconv.Atoi(rest[at[2]:at[3]])
		if hole := rest[at[0]:at[1]]; err != nil || n >= len(args) || strings.Contains(hole, "|") {
			b.WriteString(template.HTMLEscapeString(v.fill(hole, args)))
		} else {
			b.WriteString(string(v.Show(args[n])))
		}
		rest = rest[at[1]:]
	}
	b.WriteString(template.HTMLEscapeString(rest))
	return template.HTML(b.String())
}

// Query returns the page's address with one parameter of its query changed; "" takes it away.
func (v *View) Query(name, value string) string {
	q := url.Values{}
	for k, vs := range v.Request.URL.Query() {
		if k != "part" && k != "csv" && k != "do" && k != "done" && k != "lang" {
			q[k] = vs
		}
	}
	if value == "" {
		q.Del(name)
	} else {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return v.Request.URL.EscapedPath()
	}
	return v.Request.URL.EscapedPath() + "?" + q.Encode()
}

// component executes a template of the components with an input.
func (v *View) component(name string, in any) (template.HTML, error) {
	var b bytes.Buffer
	if err := v.frame.components.ExecuteTemplate(&b, name, struct {
		V *View
		C any
	}{v, in}); err != nil {
		return "", fmt.Errorf("component %s: %w", name, err)
	}
	return template.HTML(b.String()), nil
}
