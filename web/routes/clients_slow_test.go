//go:build slow

package routes

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether/collect"
	"bellwether/web"
)

// TestClients sends events by published, unmodified clients of other products, from processes and from a browser: each
// event is once in the log. They are installed at the versions of testdata/clients, or taken from BELLWETHER_CLIENTS,
// a folder that has them (node_modules, and python for --target).
func TestClients(t *testing.T) {
	dir := installed(t)
	f := newFixture(t)
	server := httptest.NewServer(f.server)
	defer server.Close()
	site := httptest.NewServer(http.FileServer(http.Dir(dir))) // another origin than the server's
	defer site.Close()
	key, host := f.key[web.Collect], strings.TrimPrefix(server.URL, "http://")
	page := func(name string, query url.Values) []string {
		query.Set("key", key)
		return []string{
			"chromium", "--headless", "--no-sandbox", "--disable-gpu", "--log-level=3", "--disable-dev-shm-usage", "--user-data-dir=" + t.TempDir(), "--timeout=20000",
			"--virtual-time-budget=15000", "--dump-dom", site.URL + "/" + name + "?" + query.Encode(),
		}
	}
	segment := func(apiHost string) url.Values { return url.Values{"host": {apiHost}, "cdn": {server.URL}} }
	batching, prefixed := segment(host+"/v1"), segment(host+"/e")
	batching.Set("batching", "yes")
	for _, test := range []struct {
		name    string
		events  int64
		command []string
	}{
		{"segment-analytics-python", 40, []string{"python3", "send_segment.py", server.URL, key}},
		{"posthog-python", 40, []string{"python3", "send_posthog.py", server.URL, key}},
		{"analytics-node", 40, []string{"node", "segment.cjs", server.URL, key}},
		{"posthog-node", 40, []string{"node", "posthog.cjs", server.URL, key}},
		{"analytics-next", 20, page("segment.html", segment(host+"/v1"))},
		{"analytics-next in batches", 20, page("segment.html", batching)},
		{"analytics-next through the prefix", 20, page("segment.html", prefixed)},
		{"posthog-js", 20, page("posthog.html", url.Values{"server": {server.URL}})},
		{"posthog-js through the prefix", 20, page("posthog.html", url.Values{"server": {server.URL + "/e"}})},
		{"rudderstack-js", 20, page("rudder.html", url.Values{"server": {server.URL}})},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := exec.LookPath(test.command[0]); err != nil {
				t.Skip(err)
			}
			before := f.shop.Totals()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c := exec.CommandContext(ctx, test.command[0], test.command[1:]...)
			c.Dir, c.Env = dir, append(os.Environ(), "PYTHONPATH="+filepath.Join(dir, "python"))
			out, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			after := f.shop.Totals()
			got := collect.Result{Accepted: after.Accepted - before.Accepted, Rejected: after.Rejected - before.Rejected, Events: after.Events - before.Events}
			if want := (collect.Result{Accepted: test.events, Events: test.events}); got != want {
				t.Errorf("in the log: %+v, want %+v\n%s", got, want, out)
			}
		})
	}
}

// installed is a folder with the clients and what runs them.
func installed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS("testdata/clients")))
	if have := os.Getenv("BELLWETHER_CLIENTS"); have != "" {
		must(t, os.Symlink(filepath.Join(have, "node_modules"), filepath.Join(dir, "node_modules")))
		must(t, os.Symlink(filepath.Join(have, "python"), filepath.Join(dir, "python")))
		return dir
	}
	for _, command := range [][]string{
		{"npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"},
		{"python3", "-m", "pip", "install", "--quiet", "--target", "python", "-r", "requirements.txt"},
	} {
		c := exec.CommandContext(t.Context(), command[0], command[1:]...)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Skipf("the clients can't be installed: %v: %s", err, out)
		}
	}
	return dir
}
