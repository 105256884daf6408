package collect

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// layouts of times without a fixed format, most frequent first; those without a zone are UTC.
var layouts = []string{
	time.RFC3339Nano,
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05",
	"2006-01-02",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05Z0700",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05 Z0700",
	"2006-01-02 15:04:05 UTC",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02 15:04",
	"2006/01/02 15:04:05",
	"2006/01/02",
	"20060102T150405Z0700",
	time.RFC1123,
	time.RFC1123Z,
}

// parseTime reads a time as senders write it: RFC 3339 and its relatives, a date, or Unix time
// in seconds, milliseconds, microseconds or nanoseconds, told apart by its size. Eight digits
// that are a day of 1900–2199 are that day.
func parseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), nil
	}
	if s == "" {
		return time.Time{}, fmt.Errorf("is empty")
	}
	if len(s) == 8 && (s[0] == '1' && s[1] == '9' || s[0] == '2' && s[1] <= '1') {
		if t, err := time.Parse("20060102", s); err == nil {
			return t, nil
		}
	}
	if c := s[len(s)-1]; '0' <= c && c <= '9' || c == '.' {
		if t, err := parseUnix(s); err == nil {
			return t, nil
		}
	}
	for _, layout := range layouts[1:] {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time that can be read (RFC 3339, a date, or Unix seconds or milliseconds)", clip(s))
}

// parseUnix reads Unix time; the unit follows from the size.
func parseUnix(s string) (time.Time, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return unixTime(n), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 9e18 {
		return time.Time{}, fmt.Errorf("%q is no Unix time", clip(s))
	}
	unit := unixUnit(math.Abs(f))
	whole := math.Floor(f)
	return unixTime(int64(whole)).Add(time.Duration((f - whole) * float64(unit))), nil
}

func unixTime(n int64) time.Time {
	switch unixUnit(math.Abs(float64(n))) {
	case time.Second:
		return time.Unix(n, 0).UTC()
	case time.Millisecond:
		return time.UnixMilli(n).UTC()
	case time.Microsecond:
		return time.UnixMicro(n).UTC()
	}
	return time.Unix(0, n).UTC()
}

// unixUnit tells the unit of a Unix time by its size: 1e11 seconds are the year 5138, 1e11
// milliseconds are March 1973.
func unixUnit(size float64) time.Duration {
	switch {
	case size < 1e11:
		return time.Second
	case size < 1e14:
		return time.Millisecond
	case size < 1e17:
		return time.Microsecond
	}
	return time.Nanosecond
}

// clip shortens text for a message to a person.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// patterns are the parts of a time's pattern, as in strptime.
var patterns = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
	'H': "15", 'I': "03", 'p': "PM", 'M': "04", 'S': "05", 'f': "999999999", 'z': "Z0700", 'Z': "MST", '%': "%",
}

// timeParser returns the reader of times in a format: unix, unix_ms, a pattern such as
// "%d/%m/%Y", or "" for what parseTime finds out.
func timeParser(format string) (func(string) (time.Time, error), error) {
	switch format {
	case "":
		return parseTime, nil
	case "unix":
		return unixIn(1e9), nil
	case "unix_ms":
		return unixIn(1e6), nil
	}
	var layout strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			layout.WriteByte(format[i])
			continue
		}
		i++
		if i == len(format) || patterns[format[i]] == "" {
			return nil, fmt.Errorf("format %q is none: write unix, unix_ms, or a pattern of %%Y %%m %%d %%H %%M %%S", clip(format))
		}
		layout.WriteString(patterns[format[i]])
	}
	return func(s string) (time.Time, error) {
		t, err := time.Parse(layout.String(), s)
		if err != nil {
			return t, fmt.Errorf("%q is not in the format %q", clip(s), clip(format))
		}
		return t.UTC(), nil
	}, nil
}

// unixIn reads Unix time in units of some nanoseconds.
func unixIn(unit float64) func(string) (time.Time, error) {
	return func(s string) (time.Time, error) {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !(math.Abs(f*unit) < 9e18) {
			return time.Time{}, fmt.Errorf("%q is no Unix time", clip(s))
		}
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return time.Unix(0, n*int64(unit)).UTC(), nil
		}
		return time.Unix(0, int64(f*unit)).UTC(), nil
	}
}
