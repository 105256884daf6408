package collect

import (
	"strings"
	"testing"
	"time"
)

// TestParseTime: what a text says by itself; what can't be told is refused, and nothing depends on the machine's zone.
func TestParseTime(t *testing.T) {
	here := time.Local
	time.Local = time.FixedZone("EST", 3*3600) // a machine whose zone has a name that mail uses
	defer func() { time.Local = here }()
	for text, want := range map[string]string{
		"2024-01-31T14:15:16.5Z": "2024-01-31T14:15:16.5Z", "2024-01-31 14:15:00+00": "2024-01-31T14:15:00Z", "2024-01-31 15:15:00+01": "2024-01-31T14:15:00Z",
		"2024-01-31 19:45:00+0530": "2024-01-31T14:15:00Z", "2024-01-31T14:15:00,123Z": "2024-01-31T14:15:00.123Z", "2024-1-5 9:05": "2024-01-05T09:05:00Z",
		"2024/01/31 14:15": "2024-01-31T14:15:00Z", "2024.01.31": "2024-01-31T00:00:00Z", "2024-01": "2024-01-01T00:00:00Z", "2024-01-31 02:15:00 PM": "2024-01-31T14:15:00Z",
		"2024-01-31 12:05 am": "2024-01-31T00:05:00Z", "2024-01-31 12:05 p.m.": "2024-01-31T12:05:00Z", "2024-01-31 14:15:00 UTC": "2024-01-31T14:15:00Z",
		"2024-01-31 14:15:00 Europe/Berlin": "2024-01-31T13:15:00Z", "20240131T141500Z": "2024-01-31T14:15:00Z", "20240131": "2024-01-31T00:00:00Z", "202401": "2024-01-01T00:00:00Z",
		"2024": "2024-01-01T00:00:00Z", "202401311430": "2024-01-31T14:30:00Z", "20240131143000": "2024-01-31T14:30:00Z", "45322.60416667": "2024-01-31T14:30:00Z", "45323": "2024-02-01T00:00:00Z",
		"1706710500": "2024-01-31T14:15:00Z", "1706710500000": "2024-01-31T14:15:00Z", "1706710500.25": "2024-01-31T14:15:00.25Z", "1706710500000000": "2024-01-31T14:15:00Z",
		"Wed, 31 Jan 2024 12:00:00 EST": "2024-01-31T17:00:00Z", "Wed, 31 Jan 2024 12:00:00 +0200": "2024-01-31T10:00:00Z", "31-Jan-2024": "2024-01-31T00:00:00Z", "31 January 2024": "2024-01-31T00:00:00Z",
		"Jan 31, 2024, 2:15 PM": "2024-01-31T14:15:00Z", "January 1st, 2024": "2024-01-01T00:00:00Z", "Wed Jan 31 2024 14:15:00 GMT+0100 (CET)": "2024-01-31T13:15:00Z",
		"Wed Jan 31 14:15:00 2024": "2024-01-31T14:15:00Z", "31-Jan-24": "2024-01-31T00:00:00Z", " 2024-01-31 ": "2024-01-31T00:00:00Z", "2024-02-29": "2024-02-29T00:00:00Z",
	} {
		got, err := parseTime(text)
		if err != nil || got.Format(time.RFC3339Nano) != want || got.Location() != time.UTC {
			t.Errorf("%q is %v, %v; want %s", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		"": "empty", "tomorrow": "no time", "31/01/2024": "mapping", "1/31/2024": "mapping", "2024-02-30": "no such day", "2024-13-01": "no such", "2024-01-31 24:00:00": "no such", "2024-01-31 23:59:60": "no such",
		"2024-01-31 14:15 XYZ": "zone", "2024-01-31 14:15 IST": "several", "2024-01-31 14:15 BST": "several", "2024-01-31 14:15:00 +99": "offset", "2024-01-31 13:15 PM": "clock of twelve", "0": "too early", "-1": "too early",
		"12": "too early", "1e9": "no time", "infinity": "no time", "31012024": "too early", "0000-00-00": "no such",
	} {
		if got, err := parseTime(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q is %v, %v; want an error with %q", text, got, err, why)
		}
	}
}

// TestTimePatterns: a mapping's pattern reads parts without their zeros, clocks of twelve hours and zones.
func TestTimePatterns(t *testing.T) {
	for _, test := range []struct{ format, text, want string }{
		{"%m/%d/%Y", "1/31/2024", "2024-01-31T00:00:00Z"},
		{"%m/%d/%Y", "01/31/2024", "2024-01-31T00:00:00Z"},
		{"%d.%m.%y %H:%M", "1.2.24 9:05", "2024-02-01T09:05:00Z"},
		{"%m/%d/%Y %I:%M:%S %p", "1/31/2024 2:15:00 pm", "2024-01-31T14:15:00Z"},
		{"%d.%m.%Y, %H:%M Uhr", "31.01.2024, 14:15 Uhr", "2024-01-31T14:15:00Z"},
		{"%Y-%m-%d %H:%M:%S %z", "2024-01-31 14:15:00 +01", "2024-01-31T13:15:00Z"},
		{"%Y-%m-%d %H:%M:%S%z", "2024-01-31 14:15:00+00", "2024-01-31T14:15:00Z"},
		{"%Y-%m-%d %H:%M %Z", "2024-01-31 14:15 CET", "2024-01-31T13:15:00Z"},
		{"excel", "45322,5", "2024-01-31T12:00:00Z"},
		{"unix", "12", "1970-01-01T00:00:12Z"},
		{"%d%m%Y", "31012024", "2024-01-31T00:00:00Z"},
	} {
		parse, err := timeParser(test.format)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parse(test.text); err != nil || got.Format(time.RFC3339Nano) != test.want {
			t.Errorf("%q as %q is %v, %v; want %s", test.text, test.format, got, err, test.want)
		}
	}
	for _, format := range []string{"%Q", "%", "%z %Y"} {
		if _, err := timeParser(format); err == nil {
			t.Errorf("%q is a format", format)
		}
	}
}

// TestTimeColumns: the order of day and month is that of the column.
func TestTimeColumns(t *testing.T) {
	for _, test := range []struct {
		format string
		values []string
	}{
		{"%d/%m/%Y", []string{"03/04/2024", "05/06/2024"}},
		{"%m/%d/%Y", []string{"03/04/2024", "01/31/2024"}},
		{"%d/%m/%Y", []string{"31/01/2024", "01/31/2024"}},
		{"%m/%d/%Y %H:%M", []string{"12/1/2010 8:26", "12/1/2010 8:28"}},
		{"%d.%m.%Y", []string{"1.2.2024"}},
		{"", []string{"2024-01-31", "31/01/2024"}},
		{"%m/%d/%y %I:%M %p", []string{"1/31/24 2:15 PM"}},
		{"%d%m%Y", []string{"31012024", "15012024"}},
		{"", []string{"45322.5"}},
	} {
		rows := [][]string{}
		for _, v := range test.values {
			rows = append(rows, []string{v})
		}
		g := guesser{columns: []string{"date"}, names: []string{"date"}, rows: rows, taken: map[string]bool{}}
		if got := g.format("time", 0); got != test.format {
			t.Errorf("%v is read as %q, want %q", test.values, got, test.format)
		}
	}
}
