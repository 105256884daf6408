package page

import (
	"html/template"

	"bellwether"
)

// Figure is one number as people may see it: with its interval, or saying why there is none.
type Figure struct {
	Label    Text
	Estimate bellwether.Estimate
	Unit     Unit
	Explain  string // a word of the glossary that is explained beside the label, "": none
	Note     Text   // a line below: who was counted
	Big      bool   // the page's first number
	Href     string // where the details are
	Count    bool   // it was counted and not estimated: no interval is missing
	Tone     string // "", "good", "warning", "bad": for numbers about which a verdict is known
}

// figure is what the template reads.
type figure struct {
	Figure
	Known    bool
	Value    string
	Interval string
	Level    string
	Doubt    string // a number that no verdict may rest on
	Why      string // no number
	Details  []Definition
}

// Figure shows a number with its interval. Without a number it shows why; without even a reason, "no data", never 0.
func (v *View) Figure(f Figure) (template.HTML, error) {
	e := f.Estimate
	in := figure{Figure: f, Known: known(e)}
	if in.Known {
		in.Value = amount(v.Lang, e.Value, f.Unit, common(e, f.Unit))
		in.Interval = spread(v.Lang, e, f.Unit)
		if e.Level > 0 {
			in.Level = amount(v.Lang, e.Level, Percent, -1)
		}
		in.Doubt = v.Say(Say(e.Withheld))
	} else {
		in.Why = v.Say(Say(e.Withheld))
	}
	if e.N > 0 && !f.Count {
		in.Details = append(in.Details, Definition{T("page.figure.n"), e.N})
	}
	if e.NEffective > 0 {
		in.Details = append(in.Details, Definition{T("page.figure.effective"), e.NEffective})
	}
	if in.Known && e.Method != "" && !f.Count {
		in.Details = append(in.Details, Definition{T("page.figure.method"), Say(e.Method)})
	}
	for _, w := range e.Warnings {
		in.Details = append(in.Details, Definition{T("page.figure.warning"), Say(w)})
	}
	return v.component("figure", in)
}

// Definition is a name with its value.
type Definition struct {
	Name  Text
	Value any
}

// Definitions shows names with their values.
func (v *View) Definitions(rows []Definition) (template.HTML, error) {
	return v.component("definitions", rows)
}
