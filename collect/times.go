package collect

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseTime reads a time as senders write it: RFC 3339 and its relatives (year first, any of "-/." between, a clock of 12 or 24
// hours, a zone), a date with the month's name, a year, year and month or a date without marks, Unix time in seconds,
// milliseconds, microseconds or nanoseconds, told apart by its size, or the days since 1900 that spreadsheets keep. A time
// without a zone is UTC. Days and months that are both numbers with the year last are not told apart here: see [timeFormats].
func parseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, fmt.Errorf("is empty")
	}
	if t, ok, err := isoTime(s); ok || err != nil {
		return t, err
	}
	if isNumber(s) {
		return numberTime(s)
	}
	if t, ok, err := namedTime(s); ok || err != nil {
		return t, err
	}
	return time.Time{}, noTime(s)
}

func noTime(s string) error {
	return fmt.Errorf("%q is no time that can be read (RFC 3339, a date with the year first or the month's name, or Unix time); a mapping can say its format, such as \"%%d/%%m/%%Y %%H:%%M\"", clip(s))
}

// isNumber reports a plain number: digits, perhaps a sign and a point.
func isNumber(s string) bool {
	digits, points := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c == '.':
			points++
		case (c == '-' || c == '+') && i == 0:
		default:
			return false
		}
	}
	return digits > 0 && points <= 1
}

// Unix times before March 1973 in seconds are refused: what looks like one is a year, a count or a serial number.
const earliestUnix = 1e8

// numberTime reads a number: what its digits spell, days of a spreadsheet, or Unix time.
func numberTime(s string) (time.Time, error) {
	if t, ok := digitTime(s); ok {
		return t, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err == nil && 20_000 <= f && f < 80_000 { // the years 1954 to 2119
		return excelTime(f), nil
	}
	return parseUnix(s)
}

// digitTime reads digits that spell a time: 2024, 202401, 20240131, 202401311430 and 20240131143000.
func digitTime(s string) (time.Time, bool) {
	var layout string
	switch len(s) {
	case 4:
		layout = "2006"
	case 6:
		layout = "200601"
	case 8:
		layout = "20060102"
	case 12:
		layout = "200601021504"
	case 14:
		layout = "20060102150405"
	default:
		return time.Time{}, false
	}
	if !(s[0] == '1' && s[1] == '9' || s[0] == '2' && s[1] <= '1') {
		return time.Time{}, false
	}
	t, err := time.Parse(layout, s)
	return t, err == nil
}

// excelTime is a number of days since 1899-12-30, to the second.
func excelTime(days float64) time.Time {
	seconds := math.Round((days - 25_569) * 86_400)
	return time.Unix(int64(seconds), 0).UTC()
}

// parseUnix reads Unix time; the unit follows from the size.
func parseUnix(s string) (time.Time, error) {
	t, err := anyUnix(s)
	if err == nil && t.Unix() < earliestUnix {
		return time.Time{}, fmt.Errorf("%q would be a Unix time of %d: too early to be one; if it is, a mapping can say \"format: unix\"", clip(s), t.Year())
	}
	return t, err
}

func anyUnix(s string) (time.Time, error) {
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
