package page

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"bellwether"
)

// The values that a table's cell, a definition or a text's argument can be, besides string (as it is), Text, the
// number types, time.Time (date and time), time.Duration, bellwether.Money and nil ("no data").
type (
	// Amount is a number in a unit.
	Amount struct {
		Value float64
		Unit  Unit
	}
	// Measured is an estimate in a unit, shown with its interval.
	Measured struct {
		bellwether.Estimate
		Unit Unit
	}
	// Day is a time of which the date is shown.
	Day time.Time
	// Link is a value that leads somewhere.
	Link struct {
		Address string
		Of      any
	}
	// Badge is a word in a frame. Tone is "", "good", "warning" or "bad".
	Badge struct {
		Text Text
		Tone string
	}
	// Code is text as a machine wrote it.
	Code string
	// Two is a value with a second, softer line.
	Two struct{ First, Second any }
	// List is several values, one after the other.
	List []any
)

// Share is an amount in percent: Share(.05) is 5%.
func Share(v float64) Amount { return Amount{v, Percent} }

// Show writes a value as HTML.
func (v *View) Show(x any) template.HTML {
	switch x := x.(type) {
	case nil:
		return template.HTML(`<span class="nodata">` + v.T("page.nodata") + `</span>`)
	case template.HTML:
		return x
	case Measured:
		return v.measured(x)
	case Link:
		return template.HTML(`<a href="`+template.HTMLEscapeString(safe(x.Address))+`">`) + v.Show(x.Of) + "</a>"
	case Badge:
		return template.HTML(`<span class="badge ` + template.HTMLEscapeString(x.Tone) + `">` + template.HTMLEscapeString(v.Say(x.Text)) + "</span>")
	case Code:
		return template.HTML("<code>" + template.HTMLEscapeString(string(x)) + "</code>")
	case Two:
		if x.Second == nil || v.words(x.First) == v.words(x.Second) {
			return v.Show(x.First)
		}
		return v.Show(x.First) + `<span class="soft block">` + v.Show(x.Second) + "</span>"
	case List:
		var b strings.Builder
		for i, each := range x {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(string(v.Show(each)))
		}
		return template.HTML(b.String())
	case time.Time:
		if x.IsZero() {
			return v.Show(nil)
		}
		return template.HTML(`<time datetime="` + x.Format(time.RFC3339) + `">` + template.HTMLEscapeString(v.words(x)) + "</time>")
	}
	return template.HTML(template.HTMLEscapeString(v.words(x)))
}

// measured is an estimate in a table: its value, its interval below, and why no verdict may rest on it.
func (v *View) measured(m Measured) template.HTML {
	esc := template.HTMLEscapeString
	if !known(m.Estimate) {
		why := ""
		if m.Withheld != "" {
			why = `<span class="soft block">` + esc(v.Say(Say(m.Withheld))) + "</span>"
		}
		return v.Show(nil) + template.HTML(why)
	}
	s := `<span class="value">` + esc(amount(v.Lang, m.Value, m.Unit, common(m.Estimate, m.Unit))) + "</span>"
	if len(m.Interval) == 2 {
		s += `<span class="soft block">` + esc(spread(v.Lang, m.Estimate, m.Unit)) + "</span>"
	}
	if m.Withheld != "" {
		s += `<span class="doubt block">` + esc(v.T("page.figure.doubt")) + "</span>"
	}
	return template.HTML(s)
}

// known reports whether an estimate has a number that may be shown: one that was made, and not withheld before it had an interval.
func known(e bellwether.Estimate) bool {
	made := e.Method != "" || e.N > 0 || len(e.Interval) == 2
	return made && (e.Withheld == "" || len(e.Interval) == 2) && !math.IsNaN(e.Value) && !math.IsInf(e.Value, 0)
}

// words writes a value as plain text.
func (v *View) words(x any) string {
	switch x := x.(type) {
	case nil:
		return v.T("page.nodata")
	case string:
		return x
	case Text:
		return v.Say(x)
	case time.Time:
		return moment(v.Lang, x.In(v.zone()))
	case Day:
		return day(v.Lang, time.Time(x).In(v.zone()))
	case time.Duration:
		return span(v.Lang, x)
	case Amount:
		return amount(v.Lang, x.Value, x.Unit, -1)
	case Measured:
		if !known(x.Estimate) {
			return v.T("page.nodata")
		}
		s := amount(v.Lang, x.Value, x.Unit, common(x.Estimate, x.Unit))
		if len(x.Interval) == 2 {
			s += " (" + spread(v.Lang, x.Estimate, x.Unit) + ")"
		}
		return s
	case bellwether.Money:
		if x.IsZero() {
			return v.T("page.nodata")
		}
		return amount(v.Lang, x.Major(), Money(x.Currency), x.Currency.Exponent())
	case Link:
		return v.words(x.Of)
	case Badge:
		return v.Say(x.Text)
	case Code:
		return string(x)
	case Two:
		return v.words(x.First)
	case List:
		var parts []string
		for _, each := range x {
			parts = append(parts, v.words(each))
		}
		return strings.Join(parts, " ")
	}
	if f, ok := float(x); ok {
		return amount(v.Lang, f, "", -1)
	}
	return fmt.Sprint(x)
}

// float is the number behind a value.
func float(x any) (float64, bool) {
	switch x := x.(type) {
	case int:
		return float64(x), true
	case int32:
		return float64(x), true
	case int64:
		return float64(x), true
	case uint64:
		return float64(x), true
	case float64:
		return x, true
	case float32:
		return float64(x), true
	case Amount:
		return x.Value, true
	case Measured:
		return x.Value, known(x.Estimate)
	case time.Duration:
		return x.Seconds(), true
	case time.Time:
		return float64(x.UnixNano()), !x.IsZero()
	case Day:
		return float64(time.Time(x).UnixNano()), !time.Time(x).IsZero()
	case bellwether.Money:
		return x.Major(), !x.IsZero()
	case Link:
		return float(x.Of)
	case Two:
		return float(x.First)
	}
	return 0, false
}

// numeric reports whether a value stands at the right of its column.
func numeric(x any) bool {
	switch x := x.(type) {
	case Day, time.Time:
		return false
	case Measured, bellwether.Money:
		return true
	case Link:
		return numeric(x.Of)
	case Two:
		return numeric(x.First)
	}
	_, ok := float(x)
	return ok
}

// compare orders two values of a column; what has no data comes last either way.
func (v *View) compare(a, b any, down bool) int {
	x, xok := float(a)
	y, yok := float(b)
	var order int
	switch {
	case xok && yok:
		order = cmp.Compare(x, y)
	case xok != yok && (numeric(a) || numeric(b) || a == nil || b == nil):
		return map[bool]int{true: -1, false: 1}[xok]
	case (a == nil) != (b == nil):
		return map[bool]int{true: 1, false: -1}[a == nil]
	default:
		order = strings.Compare(v.words(a), v.words(b))
	}
	if down {
		return -order
	}
	return order
}

// cells writes a value for a file: numbers plain, times as RFC 3339, an estimate as value, low and high.
func (v *View) cells(x any, wide bool) []string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'g', 15, 64) } // without the noise of binary fractions
	first := ""
	switch x := x.(type) {
	case Link:
		return v.cells(x.Of, wide)
	case Two:
		return v.cells(x.First, wide)
	case time.Time:
		first = x.Format(time.RFC3339Nano)
	case Day:
		first = time.Time(x).Format(time.DateOnly)
	case bellwether.Money:
		if !x.IsZero() {
			first = strconv.FormatFloat(x.Major(), 'f', x.Currency.Exponent(), 64)
		}
	case Measured:
		if !known(x.Estimate) {
			return []string{"", "", ""}[:map[bool]int{true: 3, false: 1}[wide]]
		}
		out := []string{number(x.Value), "", ""}
		if len(x.Interval) == 2 {
			out[1], out[2] = number(x.Interval[0]), number(x.Interval[1])
		}
		return out
	case nil:
	default:
		if f, ok := float(x); ok {
			first = number(f)
		} else {
			first = v.words(x)
		}
	}
	if wide {
		return []string{first, "", ""}
	}
	return []string{first}
}

// safe lets through addresses of this site and of the web; anything else, such as javascript:, is "#".
func safe(address string) string {
	scheme, _, has := strings.Cut(address, ":")
	if !has || strings.ContainsAny(scheme, "/?#") || scheme == "https" || scheme == "http" || scheme == "mailto" {
		return address
	}
	return "#"
}
