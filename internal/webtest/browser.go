package webtest

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

//go:embed axe.min.js
var axe string

// Browser is a running browser.
type Browser struct{ ctx context.Context }

// Screen is how a reader looks at a page.
type Screen struct {
	Width, Height int
	Dark          bool
	Language      string // of the browser, "en" or "zh-CN"
	Script        bool   // scripts run
}

// String names the screen, for files and failures.
func (s Screen) String() string {
	name := fmt.Sprintf("%d-%s", s.Width, s.Language)
	if s.Dark {
		name += "-dark"
	}
	if !s.Script {
		name += "-noscript"
	}
	return name
}

// Seen is what was wrong with a page, and the page as it was.
type Seen struct {
	Accessibility []string // rules that axe-core found broken, with the place
	Complaints    []string // of scripts and of the policy
	Wider         int      // pixels by which the content is wider than the window
	Cut           []string // texts that reach beyond the window or the card that holds them
	Charts        int      // drawings that are there
	Text          string   // of the page's main part
	Picture       []byte   // PNG of the whole page, when it was asked for
}

// Open starts a browser for a test, which is skipped where none is installed.
func Open(t *testing.T) *Browser {
	t.Helper()
	var found string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			found = p
			break
		}
	}
	if found == "" {
		t.Skip("no chromium is installed: pages are not looked at in a browser (apt-get install chromium)")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(found), chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.DisableGPU}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("starting %s: %v", filepath.Base(found), err)
	}
	return &Browser{ctx}
}

// Look opens an address and does steps on the page; then it looks. With picture it also takes one of the whole page.
func (b *Browser) Look(t *testing.T, address string, s Screen, picture bool, steps ...chromedp.Action[chromedp.Void]) Seen {
	t.Helper()
	tab, closeTab := chromedp.NewContext(b.ctx)
	defer closeTab()
	ctx, cancel := context.WithTimeout(tab, 2*time.Minute)
	defer cancel()
	listening, hush := context.WithCancel(ctx)
	messages := chromedp.Console(listening)
	err := s.set(ctx)
	if err == nil {
		err = chromedp.Do(ctx, chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("main")))
	}
	if err == nil && s.Script {
		_, err = chromedp.Run(ctx, chromedp.Poll[bool]("[...document.querySelectorAll('[data-chart]')].every(c => c.querySelector('canvas'))", chromedp.WithPollingTimeout(time.Minute)))
	}
	if err == nil {
		err = chromedp.Do(ctx, steps...)
	}
	var seen Seen
	if err == nil {
		seen, err = judge(ctx, s)
	}
	if err == nil && picture {
		seen.Picture, err = shoot(ctx, s)
	}
	hush()
	for m, err := range messages {
		if err != nil {
			break
		}
		if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning || m.IsException() {
			seen.Complaints = append(seen.Complaints, m.Text+" "+m.URL)
		}
	}
	if err != nil {
		t.Fatalf("%s on %v: %v (%s)", address, s, err, seen.Complaints)
	}
	return seen
}

// Until is a step that waits until a condition in JavaScript holds, over pages that are opened meanwhile.
func Until(condition string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
		defer cancel()
		for {
			holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
			if holds {
				return nil
			}
			if ctx.Err() != nil {
				return fmt.Errorf("%s did not come to hold: %w", condition, errors.Join(ctx.Err(), err))
			}
			time.Sleep(30 * time.Millisecond)
		}
	})
}

// set makes the tab look as the screen does.
func (s Screen) set(ctx context.Context) error {
	scheme := map[bool]string{true: "dark", false: "light"}[s.Dark]
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		return err
	}
	if _, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": s.Language}}); err != nil {
		return err
	}
	if err := s.size(ctx, s.Height); err != nil || s.Script {
		return err
	}
	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return err
}

func (s Screen) size(ctx context.Context, height int) error {
	_, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: int64(s.Width), Height: int64(height), DeviceScaleFactor: 1, Mobile: s.Width < 600})
	return err
}

// cut finds texts that reach out of their card or the window, where nothing scrolls them into sight.
const cut = `[...document.querySelectorAll('main *')].filter(e => {
	const r = e.getBoundingClientRect();
	if (!r.width || !r.height || e.closest('.hidden, .scroll, pre, [popover], canvas')) return false;
	const card = e.parentElement.closest('.card, .table, .chart, .figure, .notice, .form, .empty') ?? document.documentElement;
	return r.right > card.getBoundingClientRect().right + 1;
}).map(e => e.outerHTML.slice(0, 120))`

// judge runs axe-core and measures. Where the page's scripts are off only its text is read.
func judge(ctx context.Context, s Screen) (seen Seen, err error) {
	if !s.Script {
		seen.Text, err = chromedp.Run(ctx, chromedp.Text(chromedp.CSS("main")))
		return seen, err
	}
	if seen.Wider, err = chromedp.Run(ctx, chromedp.Evaluate[int]("document.documentElement.scrollWidth - innerWidth")); err != nil {
		return seen, err
	}
	if seen.Cut, err = chromedp.Run(ctx, chromedp.Evaluate[[]string](cut)); err != nil {
		return seen, err
	}
	if seen.Charts, err = chromedp.Run(ctx, chromedp.Evaluate[int]("document.querySelectorAll('[data-chart] canvas').length")); err != nil {
		return seen, err
	}
	if seen.Text, err = chromedp.Run(ctx, chromedp.Evaluate[string]("document.querySelector('main').innerText")); err != nil {
		return seen, err
	}
	if _, err = chromedp.Run(ctx, chromedp.Evaluate[int](axe+";0")); err != nil {
		return seen, err
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations.map(v =>
		v.id + ': ' + v.help + ' at ' + v.nodes.map(n => n.target + ' (' + n.html.slice(0, 120) + ')').join('; '))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		return seen, err
	}
	return seen, json.Unmarshal([]byte(found), &seen.Accessibility)
}

// shoot takes a picture of the whole page.
func shoot(ctx context.Context, s Screen) ([]byte, error) {
	height := s.Height
	if s.Script {
		var err error
		if height, err = chromedp.Run(ctx, chromedp.Evaluate[int]("document.documentElement.scrollHeight")); err != nil {
			return nil, err
		}
	}
	if err := s.size(ctx, min(height, 6000)); err != nil {
		return nil, err
	}
	if err := chromedp.Do(ctx, chromedp.Sleep(300*time.Millisecond)); err != nil {
		return nil, err
	}
	return chromedp.Run(ctx, chromedp.CaptureScreenshot())
}
