package collect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

var monthNames = func() map[string]int {
	out := map[string]int{"sept": 9}
	for m := time.January; m <= time.December; m++ {
		name := strings.ToLower(m.String())
		out[name], out[name[:3]] = int(m), int(m)
	}
	return out
}()

var dayNames = func() map[string]bool {
	out := map[string]bool{}
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := strings.ToLower(d.String())
		out[name], out[name[:3]] = true, true
	}
	return out
}()

// namedTime reads a time whose month is a word: "31-Jan-2024", "January 31, 2024, 2:15 PM", "Wed, 31 Jan 2024 12:00:00 EST",
// "Wed Jan 31 14:15:00 2024", "Wed Jan 31 2024 14:15:00 GMT+0100 (CET)". ok is false where there is no such word.
func namedTime(s string) (out time.Time, ok bool, err error) {
	year, month, day := 0, 0, 0
	var c clock
	rest := s
	for rest != "" && (year == 0 || month == 0 || day == 0) {
		word, after := nextWord(rest)
		switch {
		case word == "":
			return out, false, nil
		case strings.Contains(word, ":"): // the clock stands before the year
			t := timeScanner{s: word}
			if c, ok, err = t.clock(); !ok || err != nil {
				return out, false, err
			}
		case month == 0 && monthNames[strings.ToLower(strings.TrimSuffix(word, "."))] != 0:
			month = monthNames[strings.ToLower(strings.TrimSuffix(word, "."))]
		case dayNames[strings.ToLower(strings.TrimSuffix(word, "."))]:
		default:
			n, err := strconv.Atoi(trimOrdinal(word))
			switch {
			case err != nil || n < 1:
				return out, false, nil
			case len(word) == 4 && year == 0:
				year = n
			case day == 0 && n <= 31:
				day = n
			case year == 0 && len(word) == 2 && month != 0:
				year = 2000 + n
			default:
				return out, false, nil
			}
		}
		rest = after
	}
	if year == 0 || month == 0 || day == 0 {
		return out, false, nil
	}
	if rest = strings.TrimLeft(rest, " ,T"); rest != "" && rest[0] >= '0' && rest[0] <= '9' {
		t := timeScanner{s: rest}
		if c, ok, err = t.clock(); !ok || err != nil {
			return out, false, err
		}
	} else if c.zone, err = readZone(strings.TrimSpace(rest), s); err != nil {
		return out, false, err
	}
	out, err = c.on(year, month, day, s)
	return out, err == nil, err
}

// nextWord cuts the first word of a date off: up to a space, a comma or a hyphen.
func nextWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " ,-")
	end := strings.IndexAny(s, " ,-")
	if end < 0 {
		return s, ""
	}
	return s[:end], s[end:]
}

func trimOrdinal(s string) string {
	for _, end := range []string{"st", "nd", "rd", "th", "."} {
		if n, ok := strings.CutSuffix(s, end); ok {
			return n
		}
	}
	return s
}

// patterns are the parts of a time's pattern, as in strptime; a number may lack its zero.
var patterns = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "1", 'd': "2", 'e': "2", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
	'H': "15", 'I': "3", 'p': "PM", 'M': "4", 'S': "5", 'f': "999999999", '%': "%",
}

// Formats of times beside patterns.
const (
	formatUnix   = "unix"
	formatUnixMS = "unix_ms"
	formatExcel  = "excel" // days since 1899-12-30
)

// timeParser returns the reader of times in a format: unix, unix_ms, excel, a pattern such as
// "%d/%m/%Y", or "" for what parseTime finds out.
func timeParser(format string) (func(string) (time.Time, error), error) {
	switch format {
	case "":
		return parseTime, nil
	case formatUnix:
		return unixIn(1e9), nil
	case formatUnixMS:
		return unixIn(1e6), nil
	case formatExcel:
		return func(s string) (time.Time, error) {
			f, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
			if err != nil || f < 1 || f > 110_000 {
				return time.Time{}, fmt.Errorf("%q is no number of days of a spreadsheet", clip(s))
			}
			return excelTime(f), nil
		}, nil
	}
	return patternParser(format)
}

func patternParser(format string) (func(string) (time.Time, error), error) {
	var layout strings.Builder
	zone := false // at the end: it is read by readZone
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			layout.WriteByte(format[i])
			continue
		}
		i++
		if i < len(format) && (format[i] == 'z' || format[i] == 'Z') && i == len(format)-1 {
			zone = true
			continue
		}
		if i == len(format) || patterns[format[i]] == "" {
			return nil, fmt.Errorf("format %q is none: write unix, unix_ms, excel, or a pattern of %%Y %%m %%d %%H %%M %%S, with %%z last", clip(format))
		}
		layout.WriteString(patterns[format[i]])
	}
	want := strings.TrimSpace(layout.String())
	half := strings.Contains(want, "PM")
	return func(s string) (time.Time, error) {
		text, in := strings.TrimSpace(s), (*time.Location)(nil)
		if zone {
			cut := zoneStart(text)
			var err error
			if in, err = readZone(strings.TrimSpace(text[cut:]), s); err != nil {
				return time.Time{}, err
			}
			text = strings.TrimSpace(text[:cut])
		}
		if half {
			text = strings.NewReplacer("am", "AM", "pm", "PM", "a.m.", "AM", "p.m.", "PM", "A.M.", "AM", "P.M.", "PM", "\u202f", " ").Replace(text)
		}
		if in == nil {
			in = time.UTC
		}
		t, err := time.ParseInLocation(want, text, in)
		if err != nil {
			return t, fmt.Errorf("%q is not in the format %q", clip(s), clip(format))
		}
		return t.UTC(), nil
	}, nil
}

// zoneStart is where the zone at the end of a time begins.
func zoneStart(s string) int {
	if i := strings.LastIndexAny(s, "+-"); i > 0 && i >= len(s)-6 && strings.Contains(s[:i], ":") {
		return i
	}
	i := len(s)
	for i > 0 && (s[i-1] >= 'A' && s[i-1] <= 'Z' || s[i-1] >= 'a' && s[i-1] <= 'z' || s[i-1] == '/' || s[i-1] == '_') {
		i--
	}
	return i
}

// unixIn reads Unix time in units of some nanoseconds.
func unixIn(unit float64) func(string) (time.Time, error) {
	return func(s string) (time.Time, error) {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f*unit >= 9e18 || f*unit <= -9e18 || f != f {
			return time.Time{}, fmt.Errorf("%q is no Unix time", clip(s))
		}
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return time.Unix(0, n*int64(unit)).UTC(), nil
		}
		return time.Unix(0, int64(f*unit)).UTC(), nil
	}
}

// timeFormats are the patterns that columns of times are tried with, those with the day before the month first.
var timeFormats = func() []string {
	out := []string{"", "%d%m%Y"}
	clocks := []string{"", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S", ", %I:%M %p", ", %I:%M:%S %p", ", %H:%M Uhr", " %H:%M Uhr", " %H:%M %z", " %H:%M:%S %z"}
	for _, year := range []string{"%Y", "%y"} {
		for _, mark := range []string{"/", ".", "-"} {
			for _, days := range []string{"%d" + mark + "%m", "%m" + mark + "%d"} {
				for _, c := range clocks {
					out = append(out, days+mark+year+c)
				}
			}
		}
	}
	// Each pattern with the day first goes before all with the month first.
	slices.SortStableFunc(out, func(a, b string) int { return monthFirst(a) - monthFirst(b) })
	return out
}()

func monthFirst(format string) int {
	if strings.HasPrefix(format, "%m") {
		return 1
	}
	return 0
}
