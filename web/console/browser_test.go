package console

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether/internal/webtest"
)

var shots = flag.String("shots", "", "folder to write pictures of the sample pages to")

// every is each page of the sample, by the name of its picture.
var every = []struct{ name, path string }{
	{"today", "/"}, {"report", "/report"}, {"models", "/models"}, {"decisions", "/decisions"}, {"decision", "/decisions/d-020411"}, {"data", "/data"},
}

// sites serves the full and the empty sample.
func sites(t *testing.T) (full, empty string) {
	t.Helper()
	var out [2]string
	for i, s := range []sample{{}, {empty: true}} {
		f, err := frame(s)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(http.Handler(f))
		t.Cleanup(server.Close)
		out[i] = server.URL
	}
	return out[0], out[1]
}

// TestInBrowser opens every page on a phone and on a wide screen, light and dark, in both languages: no rule of
// accessibility is broken, nothing is blocked by the page's own policy, no script fails and nothing is cut off.
func TestInBrowser(t *testing.T) {
	b := webtest.Open(t)
	full, empty := sites(t)
	screens := []webtest.Screen{
		{Width: 390, Height: 844, Language: "en", Script: true},
		{Width: 390, Height: 844, Language: "zh-CN", Dark: true, Script: true},
		{Width: 1440, Height: 900, Language: "en", Dark: true, Script: true},
		{Width: 1440, Height: 900, Language: "zh-CN", Script: true},
	}
	for _, p := range every {
		for _, s := range screens {
			look(t, b, full+p.path, p.name, s)
		}
		if !strings.Contains(p.path, "d-") {
			look(t, b, empty+p.path, p.name+"-empty", screens[0])
		}
	}
	look(t, b, full+"/nowhere", "error", screens[2], "Failed to load resource")
}

func look(t *testing.T, b *webtest.Browser, address, name string, s webtest.Screen, expected ...string) {
	t.Helper()
	seen := b.Look(t, address, s, *shots != "")
	for _, rule := range seen.Accessibility {
		t.Errorf("%s on %v: %s", name, s, rule)
	}
	for _, c := range seen.Complaints {
		if len(expected) == 0 || !strings.Contains(c, expected[0]) {
			t.Errorf("%s on %v: %s", name, s, c)
		}
	}
	if seen.Wider > 0 {
		t.Errorf("%s on %v: the content is %d pixels wider than the window", name, s, seen.Wider)
	}
	if *shots != "" {
		if err := os.WriteFile(filepath.Join(*shots, name+"-"+s.String()+".png"), seen.Picture, 0o644); err != nil {
			t.Error(err)
		}
	}
}
