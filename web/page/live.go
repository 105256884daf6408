package page

import (
	"bytes"
	"fmt"
	"html/template"
	"time"

	"bellwether"
)

// live is what the template reads.
type live struct {
	Name    string
	Every   string
	Content template.HTML
}

// Live shows a part of the page that renews itself every so many seconds while somebody looks: a template of the page's file that is
// among [Page.Parts]. A reader who opened something in it, or selected, is left in peace.
func (v *View) Live(part string, seconds int) (template.HTML, error) {
	content, err := v.Part(part)
	if err != nil {
		return "", err
	}
	if v.csv != nil {
		return "", nil
	}
	return v.component("live", live{part, fmt.Sprintf("%ds", seconds), content})
}

// Part executes a template of the page's file.
func (v *View) Part(name string) (template.HTML, error) {
	var b bytes.Buffer
	outer := v.part
	v.part = name + "-"
	err := v.tmpl.ExecuteTemplate(&b, name, v)
	v.part = outer
	return template.HTML(b.String()), err
}

// Progress is long work as it goes on.
type Progress struct {
	ID       string // unique on the page
	Title    Text
	Part     string // the page's part that shows this; it is asked for again each second until the work is done
	Progress bellwether.Progress
	Done     bool
	Failed   string // why it ended, "": it did not fail
	Result   Text   // what it brought, once done
}

// progress is what the template reads.
type progress struct {
	Progress
	Percent int
	Known   bool
	Elapsed time.Duration
}

// Progress shows how far long work has come.
func (v *View) Progress(p Progress) (template.HTML, error) {
	in := progress{Progress: p, Known: p.Progress.Total > 0, Elapsed: p.Progress.Elapsed}
	if in.Known {
		in.Percent = int(min(100, max(0, 100*p.Progress.Done/p.Progress.Total)))
	}
	return v.component("progress", in)
}

// FailedWork is the notice of work that ended before it was done.
func (v *View) FailedWork(why string) (template.HTML, error) {
	return v.Notice(Notice{Level: "error", Title: T("page.progress.failed"), Text: Say(why)})
}

// Sentence is an English sentence of a lower package as a text, for templates; see [Say].
func (v *View) Sentence(s string) Text { return Say(s) }
