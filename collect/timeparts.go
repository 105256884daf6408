package collect

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// timeScanner walks over the text of a time.
type timeScanner struct {
	s string
	i int
}

func (t *timeScanner) peek() byte {
	if t.i < len(t.s) {
		return t.s[t.i]
	}
	return 0
}

// take moves past one of some characters.
func (t *timeScanner) take(of string) bool {
	if t.i < len(t.s) && strings.IndexByte(of, t.s[t.i]) >= 0 {
		t.i++
		return true
	}
	return false
}

// number reads least to most digits; −1: there are not so many.
func (t *timeScanner) number(least, most int) int {
	n, k := 0, 0
	for k < most && t.i < len(t.s) && '0' <= t.s[t.i] && t.s[t.i] <= '9' {
		n = n*10 + int(t.s[t.i]-'0')
		t.i++
		k++
	}
	if k < least || t.i < len(t.s) && '0' <= t.s[t.i] && t.s[t.i] <= '9' {
		return -1
	}
	return n
}

func (t *timeScanner) spaces() {
	for t.i < len(t.s) && (t.s[t.i] == ' ' || t.s[t.i] == '\t') {
		t.i++
	}
}

// isoTime reads a time with the year first. ok is false where it is none; an error says that it is one that can't be.
func isoTime(s string) (out time.Time, ok bool, err error) {
	t := timeScanner{s: s}
	year := t.number(4, 4)
	if year < 0 {
		return compactTime(s)
	}
	mark := t.peek()
	if !t.take("-/.") {
		return out, false, nil
	}
	month, day := t.number(1, 2), 1
	if month < 0 {
		return out, false, nil
	}
	if t.i < len(s) {
		if !t.take(string(mark)) {
			return out, false, nil
		}
		if day = t.number(1, 2); day < 0 {
			return out, false, nil
		}
	}
	var c clock
	if t.i < len(s) {
		if !t.take("T ,t") {
			return out, false, nil
		}
		if c, ok, err = t.clock(); !ok || err != nil {
			return out, false, err
		}
	}
	out, err = c.on(year, month, day, s)
	return out, err == nil, err
}

// compactTime reads 20240131T143000Z.
func compactTime(s string) (out time.Time, ok bool, err error) {
	if len(s) < 15 || s[8] != 'T' || !allDigits(s[:8]) {
		return out, false, nil
	}
	for _, layout := range []string{"20060102T150405Z07:00", "20060102T150405Z0700", "20060102T150405"} {
		if out, err := time.Parse(layout, s); err == nil {
			return out.UTC(), true, nil
		}
	}
	return out, false, nil
}

// clock is a time of a day, and what to take from it to be UTC.
type clock struct {
	hour, minute, second, nanos int
	zone                        *time.Location // nil: UTC
}

// clock reads a time of day with what may follow it: a fraction, AM or PM, a zone. ok is false where it is none.
func (t *timeScanner) clock() (c clock, ok bool, err error) {
	t.spaces()
	if c.hour = t.number(1, 2); c.hour < 0 {
		return c, false, nil
	}
	if t.take(":") {
		if c.minute = t.number(2, 2); c.minute < 0 {
			return c, false, nil
		}
		if t.take(":") {
			if c.second = t.number(2, 2); c.second < 0 {
				return c, false, nil
			}
			if t.take(".,") && !t.fraction(&c) {
				return c, false, nil
			}
		}
	} else if half := t.half(); half == 0 {
		return c, false, nil // an hour alone needs AM or PM
	}
	if half := t.half(); half != 0 {
		if c.hour < 1 || c.hour > 12 {
			return c, false, fmt.Errorf("%q has the hour %d of a clock of twelve", clip(t.s), c.hour)
		}
		c.hour %= 12
		if half == 'p' {
			c.hour += 12
		}
		t.i += t.halfLength()
	}
	c.zone, err = readZone(strings.TrimSpace(t.s[t.i:]), t.s)
	return c, err == nil, err
}

func (t *timeScanner) fraction(c *clock) bool {
	unit, k := 100_000_000, 0
	for ; t.i < len(t.s) && '0' <= t.s[t.i] && t.s[t.i] <= '9'; t.i++ {
		c.nanos += int(t.s[t.i]-'0') * unit
		unit /= 10
		k++
	}
	return k > 0
}

// half looks for AM or PM: 'a', 'p', or 0.
func (t *timeScanner) half() byte {
	rest := strings.ToLower(strings.TrimLeft(t.s[t.i:], " \u00a0\u202f"))
	for _, word := range []string{"am", "pm", "a.m.", "p.m."} {
		if after, ok := strings.CutPrefix(rest, word); ok && (after == "" || after[0] == ' ' || after[0] == ',') {
			return word[0]
		}
	}
	return 0
}

func (t *timeScanner) halfLength() int {
	rest := t.s[t.i:]
	space := len(rest) - len(strings.TrimLeft(rest, " \u00a0\u202f"))
	if strings.IndexByte(rest[space:], '.') == 1 {
		return space + 4
	}
	return space + 2
}

// on is the clock on a day, in UTC.
func (c *clock) on(year, month, day int, s string) (time.Time, error) {
	zone := c.zone
	if zone == nil {
		zone = time.UTC
	}
	out := time.Date(year, time.Month(month), day, c.hour, c.minute, c.second, c.nanos, zone)
	if month < 1 || month > 12 || day < 1 || c.hour > 23 || c.minute > 59 || c.second > 59 || time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() != day {
		return time.Time{}, fmt.Errorf("%q is no time: there is no such day or hour", clip(s))
	}
	return out.UTC(), nil
}

// zoneOffsets are the hours of the abbreviations that mean one zone; RFC 5322 says those of North America.
var zoneOffsets = map[string]float64{
	"Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "KST": 9, "NZST": 12, "NZDT": 13,
	"AKST": -9, "AKDT": -8, "HST": -10, "AEST": 10, "AEDT": 11, "ACST": 9.5, "ACDT": 10.5, "AWST": 8, "SGT": 8, "HKT": 8, "NPT": 5.75,
}

// zones are the places of the abbreviations and offsets, made once: nothing here depends on the machine.
var zones = func() map[string]*time.Location {
	out := make(map[string]*time.Location, len(zoneOffsets))
	for name, hours := range zoneOffsets {
		out[name] = time.FixedZone(name, int(hours*3600))
	}
	return out
}()

// readZone reads what follows a time of day: nothing, an offset, an abbreviation or a place. The text of a time is for the error.
func readZone(z, whole string) (*time.Location, error) {
	switch z {
	case "", "Z", "z", "+00:00", "+00", "UTC", "Uhr":
		return nil, nil
	}
	if open := strings.IndexByte(z, '('); open > 0 { // GMT+0100 (CET)
		z = strings.TrimSpace(z[:open])
	}
	for _, name := range []string{"GMT", "UTC"} {
		if rest, ok := strings.CutPrefix(z, name); ok && rest != "" && (rest[0] == '+' || rest[0] == '-') {
			z = rest
		}
	}
	if z[0] == '+' || z[0] == '-' {
		if offset, ok := offsetOf(z); ok {
			return time.FixedZone("", offset), nil
		}
		return nil, fmt.Errorf("%q has the zone %q, which is no offset", clip(whole), clip(z))
	}
	if zone := zones[strings.ToUpper(z)]; zone != nil {
		return zone, nil
	}
	if strings.Contains(z, "/") {
		if zone, err := time.LoadLocation(z); err == nil {
			return zone, nil
		}
	}
	return nil, fmt.Errorf("%q has the zone %q, which is not known or means several: write an offset such as +01:00", clip(whole), clip(z))
}

// offsetOf reads +1, +01, +0130 and +01:30, in seconds.
func offsetOf(z string) (int, bool) {
	digits := strings.Replace(z[1:], ":", "", 1)
	if !allDigits(digits) || len(digits) == 0 || len(digits) > 4 || len(digits) == 3 {
		return 0, false
	}
	n, _ := strconv.Atoi(digits) // at most four digits
	hours, minutes := n, 0
	if len(digits) == 4 {
		hours, minutes = n/100, n%100
	}
	if hours > 14 || minutes > 59 {
		return 0, false
	}
	seconds := hours*3600 + minutes*60
	if z[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}
