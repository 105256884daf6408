package page

import (
	"math"
	"strconv"
	"strings"
	"time"

	"bellwether"
)

// Unit is what a number counts: nothing in particular, [Percent], or a currency ("EUR").
type Unit string

// Percent is the unit of shares: .05 is written as 5%.
const Percent Unit = "%"

// Money is the unit of amounts in a currency, in its major unit.
func Money(c bellwether.Currency) Unit { return Unit(c) }

// symbols are the currencies' symbols that both languages know; see symbol for those that differ.
var symbols = map[Unit]string{
	"EUR": "€", "GBP": "£", "INR": "₹", "KRW": "₩", "ILS": "₪", "VND": "₫", "BRL": "R$",
	"HKD": "HK$", "TWD": "NT$", "CAD": "CA$", "AUD": "A$", "NZD": "NZ$", "MXN": "MX$",
}

// symbol is a currency's symbol in a language, as CLDR has it; a currency without one is written by its code.
func symbol(lang string, u Unit) string {
	switch {
	case u == "USD":
		return map[string]string{"en": "$", "zh": "US$"}[lang]
	case u == "CNY":
		return map[string]string{"en": "CN¥", "zh": "¥"}[lang]
	case u == "JPY":
		return map[string]string{"en": "¥", "zh": "JP¥"}[lang]
	case symbols[u] != "":
		return symbols[u]
	}
	return string(u) + "\u00a0"
}

// decimals is how many decimals a single number is read with: three digits that say something, none in whole numbers.
func decimals(v float64) int {
	a := math.Abs(v)
	switch {
	case a == math.Trunc(a) || a >= 1000:
		return 0
	case a >= 100:
		return 1
	case a >= 1:
		return 2
	}
	return min(2-int(math.Floor(math.Log10(a))), 8)
}

// fixed writes v with d decimals, thousands separated, and a true minus.
func fixed(v float64, d int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	s := strconv.FormatFloat(math.Abs(v), 'f', d, 64)
	whole, rest, _ := strings.Cut(s, ".")
	var b strings.Builder
	if v < 0 && strings.Trim(s, "0.") != "" {
		b.WriteString("−")
	}
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if rest != "" {
		b.WriteString("." + rest)
	}
	return b.String()
}

// amount writes v in a unit with d decimals; a negative d leaves them to the number.
func amount(lang string, v float64, u Unit, d int) string {
	switch u {
	case "":
		if d < 0 {
			d = decimals(v)
		}
		return fixed(v, d)
	case Percent:
		if d < 0 {
			d = percentDecimals(v)
		}
		return fixed(100*v, d) + "%"
	}
	if d < 0 {
		d = bellwether.Currency(u).Exponent()
		if math.Abs(v) >= 1000 {
			d = 0
		}
	}
	s := fixed(v, d)
	if rest, minus := strings.CutPrefix(s, "−"); minus {
		return "−" + symbol(lang, u) + rest
	}
	return symbol(lang, u) + s
}

// percentDecimals is none for whole percents and one else, more for shares below a tenth of a percent.
func percentDecimals(v float64) int {
	a := math.Abs(100 * v)
	switch {
	case a == math.Trunc(a):
		return 0
	case a >= 0.1:
		return 1
	}
	return min(1-int(math.Floor(math.Log10(a))), 6)
}

// common is how many decimals a value and its interval are written with: two digits of the interval's width.
func common(e bellwether.Estimate, u Unit) int {
	scale, most := 1.0, 6
	switch u {
	case "":
	case Percent:
		scale, most = 100, 3
	default:
		most = bellwether.Currency(u).Exponent()
	}
	width := 0.0
	if len(e.Interval) == 2 {
		width = scale * (e.Interval[1] - e.Interval[0])
	}
	if width <= 0 || math.IsInf(width, 0) || math.IsNaN(width) {
		return -1
	}
	d := min(max(1-int(math.Floor(math.Log10(width))), 0), most)
	if d > 0 && u != "" && u != Percent {
		return most // cents are two or none
	}
	return d
}

// spread writes an interval in a unit.
func spread(lang string, e bellwether.Estimate, u Unit) string {
	if len(e.Interval) != 2 {
		return ""
	}
	d := common(e, u)
	join := map[string]string{"en": " to ", "zh": " 至 "}[lang]
	return amount(lang, e.Interval[0], u, d) + join + amount(lang, e.Interval[1], u, d)
}

var months = [...]string{"", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

// day writes a date as the language does.
func day(lang string, t time.Time) string {
	y, m, d := t.Date()
	if lang == "zh" {
		return strconv.Itoa(y) + "年" + strconv.Itoa(int(m)) + "月" + strconv.Itoa(d) + "日"
	}
	return strconv.Itoa(d) + " " + months[m] + " " + strconv.Itoa(y)
}

// moment writes a date with its time; seconds where they are asked for.
func moment(lang string, t time.Time) string {
	join := map[string]string{"en": ", ", "zh": " "}[lang]
	return day(lang, t) + join + t.Format("15:04:05 MST")
}

// span writes a duration in one or two units.
func span(lang string, d time.Duration) string {
	unit := func(v float64, en, zh string, digits int) string {
		if lang == "zh" {
			return fixed(v, digits) + " " + zh
		}
		return fixed(v, digits) + " " + en
	}
	whole := func(d, u time.Duration) float64 { return math.Floor(float64(d) / float64(u)) }
	const dayLong = 24 * time.Hour
	switch {
	case d < 0:
		return "−" + span(lang, -d)
	case d == 0:
		return unit(0, "s", "秒", 0)
	case d < time.Second:
		return unit(float64(d.Milliseconds()), "ms", "毫秒", 0)
	case d < time.Minute:
		return unit(d.Seconds(), "s", "秒", map[bool]int{true: 1}[d < 10*time.Second])
	case d < time.Hour:
		return unit(whole(d, time.Minute), "min", "分", 0) + " " + unit(whole(d%time.Minute, time.Second), "s", "秒", 0)
	case d < dayLong:
		return unit(whole(d, time.Hour), "h", "小时", 0) + " " + unit(whole(d%time.Hour, time.Minute), "min", "分", 0)
	}
	return unit(whole(d, dayLong), "d", "天", 0) + " " + unit(whole(d%dayLong, time.Hour), "h", "小时", 0)
}
