package console

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

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
		{Width: 390, Height: 844, Language: "zh-CN", Script: true},
		{Width: 1440, Height: 900, Language: "en", Script: true},
		{Width: 1440, Height: 900, Language: "zh-CN", Dark: true, Script: true},
	}
	for n, p := range every {
		for i, s := range screens {
			if *shots == "" && i != n%len(screens) {
				continue // each page on one screen in turn; with -shots on all four
			}
			look(t, b, full+p.path, p.name, s)
		}
		if n == 0 || *shots != "" && !strings.Contains(p.path, "d-") {
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
	for _, c := range seen.Cut {
		t.Errorf("%s on %v: cut off: %s", name, s, c)
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

// TestReading holds that a browser without scripts shows every figure of every page, the charts' as tables.
func TestReading(t *testing.T) {
	b := webtest.Open(t)
	full, _ := sites(t)
	for page, want := range map[string][]string{
		"/":       {"€9,871", "95% interval: €5,751 to €13,991", "The interval above holds the true figure.", "customer-1763"},
		"/models": {"Large model and rules together", "Turn 3", "0.463"},
		"/data":   {"1,482,137", "13 Jan 2026", "the same message id came before"},
		"/report": {"Satisfaction, 0 to 10", "not enough for a verdict", "nobody was asked"},
	} {
		seen := b.Look(t, full+page, webtest.Screen{Width: 390, Height: 844, Language: "en"}, false)
		for _, w := range want {
			if !strings.Contains(seen.Text, w) {
				t.Errorf("%s lacks %q without scripts", page, w)
			}
		}
	}
}

// TestScripts holds what scripts add: sorting in place, lists that renew themselves and keep their order, the switch of
// the theme, explanations beside their words, and the search.
func TestScripts(t *testing.T) {
	b := webtest.Open(t)
	full, _ := sites(t)
	wide := webtest.Screen{Width: 1440, Height: 900, Language: "en", Script: true}
	is := webtest.Until
	for _, test := range []struct {
		name, path string
		steps      []chromedp.Action[chromedp.Void]
	}{
		{"sort", "/models", []chromedp.Action[chromedp.Void]{
			is("document.querySelector('#recommend-3 [aria-sort=descending]')"), chromedp.Click(chromedp.CSS("#recommend-3 thead th:nth-child(3) a")),
			is("document.querySelector('#recommend-3 [aria-sort=ascending]') && document.querySelector('#recommend-3 tbody th').innerText.startsWith('Best sellers')"),
			is("location.search.includes('sort=recommend-3') && !document.querySelector('#part-fresh')"),
		}},
		{"live", "/decisions", []chromedp.Action[chromedp.Void]{
			chromedp.Click(chromedp.CSS("#decisions thead th:nth-child(5) a")), is("document.querySelector('#decisions [aria-sort=descending]')"),
			is("(document.querySelector('#decisions').dataset.old = 'yes')"), is("!document.querySelector('#decisions').dataset.old"), is("document.querySelector('#decisions [aria-sort=descending]')"),
		}},
		{"search", "/decisions?surface=home", []chromedp.Action[chromedp.Void]{
			chromedp.SendKeys(chromedp.CSS("#search-q"), "1763"), is("document.querySelectorAll('#decisions tbody tr').length === 1"), is("location.search.includes('q=1763') && location.search.includes('surface=home')"),
		}},
		{"theme", "/data", []chromedp.Action[chromedp.Void]{
			is("(window.was = getComputedStyle(document.body).backgroundColor)"), chromedp.Click(chromedp.CSS("#theme")),
			is("document.documentElement.dataset.theme === 'dark' && getComputedStyle(document.body).backgroundColor !== window.was"),
		}},
		{"explain", "/", []chromedp.Action[chromedp.Void]{
			chromedp.Click(chromedp.CSS(".figure.big .word")), is("(() => { const b = document.querySelector('.explanation:popover-open'); const r = b?.getBoundingClientRect(); return r && r.left >= 0 && r.right <= innerWidth && r.bottom <= innerHeight })()"),
		}},
		{"form", "/data", []chromedp.Action[chromedp.Void]{
			chromedp.Click(chromedp.CSS("#replay form button")), is("document.querySelector('#replay .preview') && document.body.innerText.includes('24 of 31 messages would now be accepted.')"),
			chromedp.Click(chromedp.CSS("#replay .preview button")), is("document.body.innerText.includes('24 of 31 messages were accepted.')"),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			seen := b.Look(t, full+test.path, wide, false, test.steps...)
			for _, wrong := range append(seen.Complaints, seen.Accessibility...) {
				t.Error(wrong)
			}
		})
	}
}
