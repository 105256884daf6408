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
	if len(s) == 8 && ('1' == s[0] && s[1] == '9' || s[0] == '2' && s[1] <= '1') {
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
