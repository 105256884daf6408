package decide

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here:", err)
	}
	night := QuietHours{From: 21 * time.Hour, To: 8*time.Hour + 30*time.Minute, Zone: berlin}
	for _, c := range []struct {
		q     QuietHours
		at    string
		until string // "": not quiet
	}{
		{night, "2025-03-01T20:59:59+01:00", ""},
		{night, "2025-03-01T21:00:00+01:00", "2025-03-02T08:30:00+01:00"},
		{night, "2025-03-02T08:29:59+01:00", "2025-03-02T08:30:00+01:00"},
		{night, "2025-03-02T08:30:00+01:00", ""},
		{night, "2025-03-29T23:00:00+01:00", "2025-03-30T08:30:00+02:00"}, // the clocks go forward in this night
		{night, "2025-12-31T22:00:00+01:00", "2026-01-01T08:30:00+01:00"},
		{QuietHours{From: 12 * time.Hour, To: 14 * time.Hour}, "2025-03-01T13:00:00Z", "2025-03-01T14:00:00Z"},
		{QuietHours{From: 12 * time.Hour, To: 14 * time.Hour}, "2025-03-01T14:00:00Z", ""},
		{QuietHours{}, "2025-03-01T03:00:00Z", ""},
	} {
		at, _ := time.Parse(time.RFC3339, c.at)
		quiet, until := c.q.At(at, nil)
		want, _ := time.Parse(time.RFC3339, c.until)
		if quiet != (c.until != "") || quiet && !until.Equal(want) {
			t.Errorf("%s: quiet %v until %v, want %q", c.at, quiet, until, c.until)
		}
	}
}

func TestAudience(t *testing.T) {
	var list, lines bytes.Buffer
	asCSV, err := NewAudience(&list, nil, CSV, "")
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := NewAudience(&lines, nil, JSONLines, "ads")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"ann", `b,"ob`} {
		for _, a := range []*Audience{asCSV, asJSON} {
			if err := a.Act(context.Background(), message(fmt.Sprint("d", i), name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	rows, err := csv.NewReader(&list).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{audienceColumns, {"ann", "ann@example.org", "send", "spring", "", "d0"}, {`b,"ob`, `b,"ob@example.org`, "send", "spring", "", "d1"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	var last map[string]string
	text := strings.Split(strings.TrimSpace(lines.String()), "\n")
	if err := json.Unmarshal([]byte(text[1]), &last); err != nil || len(text) != 2 || last["subject"] != `b,"ob` {
		t.Errorf("%q, %v", text, err)
	}
	if asCSV.Channel() != "audience" || asJSON.Channel() != "ads" {
		t.Error("channels")
	}
	if _, err := NewAudience(&list, nil, "xml", ""); err == nil {
		t.Error("xml was accepted")
	}
}
