package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bellwether"
)

// demoCheck runs the demo twice: its bars, and the same document again.
func demoCheck(r *runner) error {
	start := time.Now()
	first, err := r.program("unused", "demo", "--once", "--json")
	if err != nil {
		return err
	}
	took := time.Since(start).Seconds()
	var d struct {
		Events, Decisions int64
		Turns             []any
		Lift              struct {
			Estimate, Truth float64
			Interval        []float64
			Covered         bool
			Positive        bool
		}
		Tally struct {
			Equal     bool
			Different []string
		}
		Plan struct{ Share float64 }
	}
	if err := json.Unmarshal(first, &d); err != nil {
		return err
	}
	r.add("demo: seconds", fmt.Sprintf("%.0f", took), "< 240", took < 240)
	r.add("demo: events over HTTP", fmt.Sprint(d.Events), "≥ 100000", d.Events >= 100_000)
	r.add("demo: turns", fmt.Sprint(len(d.Turns)), "≥ 3", len(d.Turns) >= 3)
	r.add("demo: lift a customer", fmt.Sprintf("%.2f %.2f, truth %.2f", d.Lift.Estimate, d.Lift.Interval, d.Lift.Truth), "excludes 0, holds the truth", d.Lift.Positive && d.Lift.Covered)
	r.add("demo: holdout by power", fmt.Sprintf("%.3f", d.Plan.Share), "in (0, 0.5]", d.Plan.Share > 0 && d.Plan.Share <= 0.5)
	r.add("demo: tally", fmt.Sprintf("%v %v", d.Tally.Equal, d.Tally.Different), "equal", d.Tally.Equal)
	again, err := r.program("unused", "demo", "--once", "--json")
	if err != nil {
		return err
	}
	same, err := equalButTimes(first, again)
	if err != nil {
		return err
	}
	r.add("demo: same seed", fmt.Sprint(same), "same document, times aside", same)
	return nil
}

// equalButTimes compares two documents without their fields of seconds.
func equalButTimes(a, b []byte) (bool, error) {
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		return false, err
	}
	return reflect.DeepEqual(timeless(x), timeless(y)), nil
}

func timeless(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			if strings.Contains(k, "seconds") {
				delete(v, k)
			} else {
				v[k] = timeless(v[k])
			}
		}
	case []any:
		for i := range v {
			v[i] = timeless(v[i])
		}
	}
	return v
}

// published are the plain rows of docs/science.md §2 on Beauty.
var published = []struct {
	name string
	figures
}{
	{"popularity", figures{.0120, .0056}}, {"markov", figures{.0670, .0440}}, {"item-knn", figures{.0707, .0418}}, {"rules", figures{.0803, .0511}}, {"blend", figures{.0815, .0516}},
}

func beautyCheck(r *runner) error {
	if !r.shared("beauty") {
		return nil
	}
	card, err := r.learn(&beauty)
	if err != nil {
		return err
	}
	for _, p := range published {
		got := testOf(card, p.name)
		r.add("beauty: "+p.name, got.String(), p.String()+" ± .002", math.Abs(got.hr-p.hr) <= .002 && math.Abs(got.ndcg-p.ndcg) <= .002)
	}
	for _, name := range []string{"transformer", "ensemble"} {
		got := testOf(card, name)
		r.add("beauty: "+name, got.String(), "shown", got.hr > 0)
	}
	if _, err = r.program("beauty", "promote", "recommend"); err != nil {
		return err
	}
	return beautyServed(r, card.Chosen)
}

// beautyServed asks over HTTP for a known person, one whom nobody knows, and one who just bought something.
func beautyServed(r *runner, best string) error {
	out, err := r.program("beauty", "keys", "create", "write")
	if err != nil {
		return err
	}
	key := strings.TrimSpace(string(out))
	ctx, stop := context.WithCancel(r.ctx)
	defer stop()
	url, wait, err := r.serve(ctx, "beauty")
	if err != nil {
		return err
	}
	defer func() {
		stop()
		wait()
	}()
	news := `{"type":"track","event":"Product Viewed","userId":"just-came","messageId":"m1","properties":{"product_id":"10"}}`
	if _, err := ask(ctx, http.MethodPost, url+"/v1/track", key, news); err != nil {
		return err
	}
	time.Sleep(time.Second) // the view of people follows the log
	for _, who := range []string{"1", "nobody-knows", "just-came"} {
		var a struct {
			Model, Reason string
			Items         []any
		}
		b, err := ask(ctx, http.MethodGet, url+"/v1/recommend?exclude=seen&k=10&subject="+who, key, "")
		if err == nil {
			err = json.Unmarshal(b, &a)
		}
		if err != nil {
			return err
		}
		byModel := strings.HasPrefix(a.Model, "recommend-")
		r.add("beauty: GET /v1/recommend for "+who, fmt.Sprintf("%d items by %s %s", len(a.Items), a.Model, a.Reason), "10 items; "+best+" where there is a history",
			len(a.Items) == 10 && byModel == (who != "nobody-knows"))
	}
	return nil
}

// serve starts the program on a data folder and returns its address, and a function that waits for its end.
func (r *runner) serve(ctx context.Context, data string) (url string, wait func(), err error) {
	c := exec.CommandContext(ctx, r.binary, "serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(r.folder, data))
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	stderr, err := c.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := c.Start(); err != nil {
		return "", nil, err
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if _, rest, found := strings.Cut(lines.Text(), " on http://"); found {
			address, _, _ := strings.Cut(rest, " ")
			return "http://" + address, func() { _, _ = io.Copy(io.Discard, stderr); _ = c.Wait() }, nil
		}
	}
	return "", nil, fmt.Errorf("serve ended without serving: %w", c.Wait())
}

// ask sends one request and returns the body of a good answer.
func ask(ctx context.Context, method, url, key, body string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth(key, "")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", method, url, answer.StatusCode, b)
	}
	return b, err
}

func telcoCheck(r *runner) error {
	if !r.shared("telco") {
		return nil
	}
	args := []string{"train", "behaviour", "--table", filepath.Join(r.data, "tabular", "telco-churn.csv.gz"), "--target", "Churn", "--positive", "Yes", "--drop", "customerID"}
	if _, err := r.program("telco", args...); err != nil {
		return err
	}
	out, err := r.program("telco", "evaluate", "behaviour", "--json")
	if err != nil {
		return err
	}
	var card bellwether.Card
	if err := json.Unmarshal(out, &card); err != nil {
		return err
	}
	for _, c := range card.Rows {
		if c.Name == "dnn" {
			auc := c.Test["auc"]
			r.add("telco: AUC of the DNN", fmt.Sprintf("%.4f %.4f", auc.Value, auc.Interval), "≥ .83", auc.Value >= .83)
		}
	}
	return nil
}

func crashCheck(r *runner) error {
	out, err := r.command(".", nil, "go", "test", "-tags=slow", "-run", "Crash", "-count=1", "-v", "-timeout", "20m", "./store/...")
	r.add("crash: 200 × kill −9", lastMatch(`(\d+ kills[^\n]*)`, out), "every acknowledged event there, none twice", err == nil)
	return nil
}

func mutationsCheck(r *runner) error {
	out, err := r.command(".", nil, "go", "test", "-tags=slow", "-run", "Mutations", "-count=1", "-v", "-timeout", "60m", "./collect/...")
	ran := lastMatch(`(\d+) mutated`, out)
	n, _ := strconv.ParseInt(ran, 10, 64)
	r.add("mutations", ran, "10 million, no crash, each refused one in the dead letters", err == nil && n >= 10_000_000)
	return nil
}

func lastMatch(pattern string, text []byte) string {
	all := regexp.MustCompile(pattern).FindAllSubmatch(text, -1)
	if len(all) == 0 {
		return string(bytes.TrimSpace(text[max(0, len(text)-200):]))
	}
	return string(all[len(all)-1][1])
}

// cloneCheck types the README's two commands in a fresh clone, without a C compiler.
func cloneCheck(r *runner) error {
	folder := filepath.Join(r.folder, "clone")
	if _, err := r.command(".", nil, "git", "clone", "--quiet", ".", folder); err != nil {
		return err
	}
	env := []string{"CGO_ENABLED=0", "CC=/nonexistent", "CXX=/nonexistent"}
	if _, err := r.command(folder, env, "go", "run", "./cmd/bellwether", "demo", "--once", "--json"); err != nil {
		return err
	}
	r.add("clone: go run ./cmd/bellwether demo", "done", "without a C compiler", true)
	_, err := r.command(folder, env, "go", "test", "./...")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	r.add("clone: go test ./...", fmt.Sprint(err == nil), "green", err == nil)
	return nil
}
