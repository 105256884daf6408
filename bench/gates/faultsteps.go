package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bellwether/web"

	_ "github.com/jackc/pgx/v5/stdlib" // of the folders about PostgreSQL
)

// faultStep is what must come of a folder beyond what its files become.
type faultStep struct {
	folder string
	try    func(*trial) error
}

// faultSteps are tried after the files of their folders.
var faultSteps = []faultStep{
	{"25-parquet-types", everyFile("*.parquet", 0, 3)},
	{"26-parquet-nested", nestedStep},
	{"29-postgres-types", postgresStep("select * from ev", "user=9007199254740993 type=purchase price=20.00USD")},
	{"30-postgres-infinity", postgresStep("select 'u1' as user_id,'A' as item_id,'view' as event, timestamptz '2026-01-31 10:00+00' as timestamp, 'infinity'::timestamptz as extra", "user=u1 item=A")},
	{"37-http-protocol", protocolStep},
	{"38-campaign-people", testsStep("./decide", "Address|OneClick|Unsubscribe|Bounce")},
	{"39-webhook", testsStep("./decide", "Webhook")},
	{"48-newest-first", newestStep},
	{"49-recommender", recommenderStep("events.csv", "items.csv")},
	{"54-behaviour-table", tablesStep},
	{"55-recommender-edge", edgeStep},
	{"57-gzip", gzipStep},
	{"59-consent-withdrawn", withdrawnStep},
	{"60-bought-long-ago", boughtStep},
	{"62-bot-popularity", robotStep},
	{"63-newest-first-reimport", grownStep},
	{"64-arm-at-login", armStep},
	{"65-api-bad-subject", badSubjectStep},
	{"67-send-exit-code", sendStep},
	{"68-own-export-again", exportStep},
	{"69-reproducible", reproducibleStep},
	{"70-quiet-hours", testsStep("./decide", "Quiet")},
	{"71-model-swap", testsStep("./learn", "Swap|Serving|Slot|Promot")},
}

// testsStep runs tests of the repository: where a folder has no input of its own, they hold what it tells.
func testsStep(pkg, pattern string) func(*trial) error {
	return func(t *trial) error {
		out, err := t.r.command(".", nil, "go", "test", "-v", "-run", pattern, pkg)
		if err == nil && !strings.Contains(string(out), "--- PASS: ") {
			err = fmt.Errorf("no test of %s is called %s", pkg, pattern)
		}
		return err
	}
}

// everyFile imports each file alone: nothing crashes, every row is counted.
func everyFile(pattern string, exits ...int) func(*trial) error {
	return func(t *trial) error {
		files, err := filepath.Glob(filepath.Join(t.dir, pattern))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("no file is like %s: %w", pattern, err)
		}
		for _, f := range files {
			t.fresh()
			c, text, code := t.imports(f)
			if !slices.Contains(exits, code) || c == nil {
				return fmt.Errorf("%s: exit %d: %s", filepath.Base(f), code, lastLine(text))
			}
			if c.Accepted+c.Duplicates+c.Rejected != c.Rows {
				return fmt.Errorf("%s: %+v", filepath.Base(f), *c)
			}
		}
		return nil
	}
}

// nestedStep: nulls keep their places in lists.
func nestedStep(t *trial) error {
	c, text, code := t.imports(filepath.Join(t.dir, "in.parquet"), "--dry-run")
	if c == nil || code != 0 && code != 3 {
		return fmt.Errorf("exit %d: %s", code, lastLine(text))
	}
	t.fresh()
	if _, text, code = t.imports(filepath.Join(t.dir, "in.parquet")); code != 0 && code != 3 {
		return fmt.Errorf("exit %d: %s", code, lastLine(text))
	}
	events, err := t.logged()
	if err != nil {
		return err
	}
	for i := range events {
		for _, v := range append([]string{string(events[i].Item)}, texts(events[i].Traits)...) {
			if v == "1,,3" {
				return nil
			}
		}
	}
	return fmt.Errorf("no list is 1,,3: %s", text)
}

func texts(traits map[string]any) (out []string) {
	for _, v := range traits {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// postgresStep reads a query of the server that BELLWETHER_POSTGRES names, after the folder's statements.
func postgresStep(query, want string) func(*trial) error {
	return func(t *trial) error {
		dsn := os.Getenv("BELLWETHER_POSTGRES")
		if dsn == "" {
			return fmt.Errorf("%w: BELLWETHER_POSTGRES names no server", errLeftOut)
		}
		if setup, err := os.ReadFile(filepath.Join(t.dir, "setup.sql")); err == nil {
			db, err := sql.Open("pgx", dsn)
			if err != nil {
				return err
			}
			defer db.Close()
			for _, s := range []string{"drop table if exists ev", "drop domain if exists eur", "drop type if exists mood", string(setup)} {
				if _, err := db.ExecContext(t.r.ctx, s); err != nil {
					return fmt.Errorf("%s: %w", s[:min(len(s), 40)], err)
				}
			}
		}
		if _, text, code := t.imports("--sql", dsn, "--query", query); code != 0 {
			return fmt.Errorf("exit %d: %s", code, lastLine(text))
		}
		return t.has(want)
	}
}

// has checks that the log holds one event, with these parts.
func (t *trial) has(want string) error {
	parts, err := parseParts(want)
	if err != nil {
		return err
	}
	events, err := t.logged()
	if err != nil {
		return err
	}
	if wrong := differences([][]said{parts}, events, true); len(wrong) > 0 {
		return fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return nil
}

// all imports files, which must all be read.
func (t *trial) all(files ...string) error {
	for _, f := range files {
		if _, text, code := t.imports(filepath.Join(t.dir, f)); code != 0 {
			return fmt.Errorf("%s: exit %d: %s", f, code, lastLine(text))
		}
	}
	return nil
}

// must runs the program, which must end well.
func (t *trial) must(args ...string) (string, error) {
	out, beside, code := t.run(args...)
	if code != 0 {
		return string(out), fmt.Errorf("%s: exit %d: %s", args[0], code, lastLine(beside))
	}
	return string(out), nil
}

// caseServer is a running program and a key for it.
type caseServer struct {
	t        *trial
	url, key string
	stop     func()
}

func (t *trial) serve(role web.Role) (*caseServer, error) {
	out, err := t.must("keys", "create", string(role))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(t.r.ctx)
	name, err := filepath.Rel(t.r.folder, t.data)
	if err != nil {
		cancel()
		return nil, err
	}
	address, wait, err := t.r.serve(ctx, name)
	if err != nil {
		cancel()
		return nil, err
	}
	return &caseServer{t: t, url: address, key: strings.TrimSpace(out), stop: func() { cancel(); wait() }}, nil
}

// ask sends a request and returns the status and the body. Where a busy machine makes the server ask for another try, it gets three.
func (s *caseServer) ask(method, path, body string) (status int, text string, err error) {
	for try := range 3 {
		if status, text, err = s.once(method, path, body); err != nil || status != http.StatusServiceUnavailable {
			break
		}
		time.Sleep(time.Duration(try+1) * time.Second)
	}
	return status, text, err
}

func (s *caseServer) once(method, path, body string) (int, string, error) {
	r, err := http.NewRequestWithContext(s.t.r.ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.SetBasicAuth(s.key, "")
	r.Header.Set("Content-Type", "application/json")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer w.Body.Close()
	var b strings.Builder
	_, err = io.Copy(&b, w.Body)
	return w.StatusCode, b.String(), err
}

// protocolStep: paths with a slash at their end, a byte order mark, and a bad item among good ones.
func protocolStep(t *trial) error {
	s, err := t.serve(web.Write)
	if err != nil {
		return err
	}
	defer s.stop()
	const batch = `{"batch":[{"type":"page","userId":"u1"}]}`
	for _, x := range []struct {
		name, path, body string
		status           int
		want             string
	}{
		{"a slash at the end", "/v1/batch/", batch, 200, `"accepted":1`},
		{"a path that is none", "/v1/batches", batch, 404, ""},
		{"a byte order mark", "/v1/batch", "\ufeff" + batch, 200, `"success":true`},
		{"a bad item", "/v1/items", `{"items":[{"id":"A"},{"title":"x"},{"id":7}]}`, 200, `"rejected":2`},
	} {
		status, body, err := s.ask("POST", x.path, x.body)
		if err != nil || status != x.status || !strings.Contains(body, x.want) {
			return fmt.Errorf("%s: %d %s %w", x.name, status, lastLine(body), err)
		}
	}
	return nil
}

// newestStep: of lines newest first the newest statement holds.
func newestStep(t *trial) error {
	if err := t.all("in.jsonl"); err != nil {
		return err
	}
	events, err := t.cleaned()
	if err != nil {
		return err
	}
	if n := len(events); n != 3 || events[n-1].Traits["email"] != "new@x.example" {
		return fmt.Errorf("the last statement is %v", events)
	}
	file := filepath.Join(t.data, "people.csv")
	if _, err := t.must("send", "spring", "--audience", file, "--really"); err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err == nil && strings.Contains(string(b), "old@x.example") {
		err = fmt.Errorf("the old address is used: %s", b)
	}
	return err
}

// printed is what recommend prints of a person.
type printed struct {
	Subject string
	Model   string
	Items   []struct{ Item string }
}

// recommenderStep: nobody gets an item twice, or one that they bought.
func recommenderStep(files ...string) func(*trial) error {
	return func(t *trial) error {
		if err := t.all(files...); err != nil {
			return err
		}
		events, err := t.logged()
		if err != nil {
			return err
		}
		bought := map[string]bool{}
		for _, e := range events {
			if e.Type == "purchase" {
				bought[string(e.Subject)+"\x00"+string(e.Item)] = true
			}
		}
		out, err := t.must("recommend", "--everybody", "--json")
		if err != nil {
			return err
		}
		var all []printed
		if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) == 0 {
			return fmt.Errorf("%d slates, %w", len(all), err)
		}
		for _, s := range all {
			seen := map[string]bool{}
			for _, it := range s.Items {
				if seen[it.Item] || bought[s.Subject+"\x00"+it.Item] {
					return fmt.Errorf("%s gets %s twice, or again", s.Subject, it.Item)
				}
				seen[it.Item] = true
			}
		}
		return nil
	}
}

func edgeStep(t *trial) error {
	files, err := filepath.Glob(filepath.Join(t.dir, "*.csv"))
	if err != nil {
		return err
	}
	for _, f := range files {
		t.fresh()
		if _, text, code := t.imports(f); code != 0 && code != 3 {
			return fmt.Errorf("%s: exit %d: %s", filepath.Base(f), code, lastLine(text))
		}
		if out, beside, code := t.run("recommend", "--everybody", "--json", "--exclude", "none"); code != 0 || strings.Contains(string(out), "NaN") {
			return fmt.Errorf("%s: recommend: exit %d: %s", filepath.Base(f), code, lastLine(beside))
		}
	}
	return nil
}

// gzipStep: members after one another are read, a cut file is an error after what was read, gzip in gzip is refused.
func gzipStep(t *trial) error {
	for name, want := range map[string]int{"two-members.csv.gz": 0, "cut.csv.gz": 1, "gz-of-gz.csv.gz": 2} {
		t.fresh()
		if _, text, code := t.imports(filepath.Join(t.dir, name)); code != want {
			return fmt.Errorf("%s: exit %d, want %d: %s", name, code, want, lastLine(text))
		}
	}
	return nil
}

// withdrawnStep: who agreed to nothing any more gets nothing.
func withdrawnStep(t *trial) error {
	for _, name := range []string{"segment.jsonl", "events.jsonl", "table.csv", "partly-ok.csv"} {
		t.fresh()
		if err := t.all(name); err != nil {
			return err
		}
		out, err := t.must("send", "spring", "--json")
		if err != nil {
			return err
		}
		if !strings.Contains(out, "consent") || strings.Contains(out, `"outcome": "sent"`) {
			return fmt.Errorf("%s: %s", name, out)
		}
	}
	return nil
}

// boughtStep: what was bought never comes back, however long ago it was.
func boughtStep(t *trial) error {
	for _, name := range []string{"150.jsonl", "199.jsonl", "200.jsonl", "250.jsonl"} {
		t.fresh()
		if err := t.all(name); err != nil {
			return err
		}
		out, err := t.must("recommend", "u1", "--json")
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if strings.Contains(out, `"item": "A"`) {
			return fmt.Errorf("%s: A comes back", name)
		}
	}
	return nil
}

// robotStep: what only robots looked at is not popular.
func robotStep(t *trial) error {
	if err := t.all("in.jsonl"); err != nil {
		return err
	}
	out, err := t.must("recommend", "somebody-else", "--json")
	if err != nil {
		return err
	}
	var s printed
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return err
	}
	if len(s.Items) == 0 || s.Items[0].Item != "A" || strings.Contains(out, `"item": "Z"`) {
		return fmt.Errorf("%s", out)
	}
	return nil
}

// grownStep: of a file that grew at its top what is new counts once.
func grownStep(t *trial) error {
	if err := t.all("day1.csv", "day2.csv"); err != nil {
		return err
	}
	events, err := t.cleaned()
	if err == nil && len(events) != 3 {
		err = fmt.Errorf("%d clean events, want 3", len(events))
	}
	return err
}

// armStep: a device that is decided about keeps its arm when somebody signs in on it.
func armStep(t *trial) error {
	if err := os.MkdirAll(t.data, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(t.data, "config.yaml"), []byte("holdout_share: 0.5\n"), 0o600); err != nil {
		return err
	}
	s, err := t.serve(web.Write)
	if err != nil {
		return err
	}
	defer s.stop()
	if _, body, err := s.ask("POST", "/v1/track", `{"event":"Product Viewed","userId":"x","properties":{"product_id":"A"}}`); err != nil {
		return fmt.Errorf("%s: %w", body, err)
	}
	time.Sleep(2 * time.Second) // what is popular is renewed
	arm := func(query string) (string, error) {
		status, body, err := s.ask("GET", "/v1/recommend?"+query, "")
		if err != nil || status != 200 {
			return "", fmt.Errorf("%s: %d %s %w", query, status, lastLine(body), err)
		}
		var a struct{ Holdout bool }
		return fmt.Sprint(a.Holdout), json.Unmarshal([]byte(body), &a)
	}
	for i := range 60 {
		before, err := arm(fmt.Sprintf("anonymous=d%d&key=a%d", i, i))
		if err != nil {
			return err
		}
		login := fmt.Sprintf(`{"userId":"u%d","anonymousId":"d%d"}`, i, i)
		if status, body, err := s.ask("POST", "/v1/identify", login); err != nil || status != 200 {
			return fmt.Errorf("%d %s %w", status, body, err)
		}
		time.Sleep(50 * time.Millisecond) // the view of people follows the log
		after, err := arm(fmt.Sprintf("subject=u%d&key=b%d", i, i))
		if err != nil {
			return err
		}
		if before != after {
			return fmt.Errorf("person %d was in the holdout: %s, after signing in: %s", i, before, after)
		}
	}
	return nil
}

// badSubjectStep: what a client sends wrong is 400 with the field.
func badSubjectStep(t *trial) error {
	if err := t.one(); err != nil {
		return err
	}
	s, err := t.serve(web.Write)
	if err != nil {
		return err
	}
	defer s.stop()
	for _, query := range []string{"subject=a%00b", "subject=" + strings.Repeat("x", 300), "subject=%ff", "subject=u1&surface=%0a", "subject=u1&k=-3", "subject=u1&key=%00"} {
		status, body, err := s.ask("GET", "/v1/recommend?"+query, "")
		if err != nil || status != 400 {
			return fmt.Errorf("%s: %d %s %w", query[:min(len(query), 30)], status, lastLine(body), err)
		}
	}
	return nil
}

// one imports one view.
func (t *trial) one() error {
	file := filepath.Join(t.r.folder, "one.csv")
	if err := os.WriteFile(file, []byte("user_id,item_id,event,timestamp\nu1,A,view,2026-01-01\nu2,B,view,2026-01-01\n"), 0o600); err != nil {
		return err
	}
	_, text, code := t.imports(file)
	if code != 0 {
		return fmt.Errorf("exit %d: %s", code, lastLine(text))
	}
	return nil
}

// sendStep: a send in which anything failed says how many, and exits non-zero.
func sendStep(t *trial) error {
	file := filepath.Join(t.r.folder, "people.csv")
	var b strings.Builder
	b.WriteString("user_id,email,consent\n")
	for i := range 6 {
		fmt.Fprintf(&b, "p%d,p%d@x.example,marketing\n", i, i)
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		return err
	}
	if err := os.MkdirAll(t.data, 0o700); err != nil {
		return err
	}
	const conf = "smtp: smtp+plain://127.0.0.1:9\nmail_from: shop@x.example\nholdout_share: 0\n"
	if err := os.WriteFile(filepath.Join(t.data, "config.yaml"), []byte(conf), 0o600); err != nil {
		return err
	}
	if _, text, code := t.imports(file); code != 0 {
		return fmt.Errorf("import: exit %d: %s", code, lastLine(text))
	}
	out, beside, code := t.run("send", "spring", "--mail", "--really", "--title", "t", "--text", "x")
	if code == 0 || !strings.Contains(beside, "failed") {
		return fmt.Errorf("exit %d: %s %s", code, lastLine(string(out)), lastLine(beside))
	}
	return nil
}

// exportStep: the program's own export comes back as equal events.
func exportStep(t *trial) error {
	if _, text, code := t.imports(filepath.Join(t.dir, "in.parquet")); code != 0 {
		return fmt.Errorf("exit %d: %s", code, lastLine(text))
	}
	first, err := t.cleaned()
	if err != nil {
		return err
	}
	file := filepath.Join(t.r.folder, "again.parquet")
	if _, err := t.must("export", "--what", "events", "-o", file); err != nil {
		return err
	}
	t.fresh()
	if _, text, code := t.imports(file); code != 0 {
		return fmt.Errorf("again: exit %d: %s", code, lastLine(text))
	}
	second, err := t.cleaned()
	if err != nil {
		return err
	}
	a, err := json.Marshal(first)
	if err != nil {
		return err
	}
	b, err := json.Marshal(second)
	if err == nil && string(a) != string(b) {
		err = fmt.Errorf("%d events became %d others", len(first), len(second))
	}
	return err
}

// tablesStep trains on each table: no odd cell costs a column or ends training.
func tablesStep(t *trial) error {
	files, err := filepath.Glob(filepath.Join(t.dir, "*.csv"))
	if err != nil {
		return err
	}
	for _, f := range files {
		name := filepath.Base(f)
		args := []string{"train", "behaviour", "--table", f, "--target", "Churn", "--positive", "Yes", "--drop", "customerID", "--epochs", "1"}
		if name == "subject.csv" {
			args = []string{"train", "behaviour", "--table", f, "--target", "target", "--positive", "Yes", "--epochs", "1"}
		}
		t.fresh()
		_, beside, code := t.run(args...)
		refused := slices.Contains([]string{"oneclass.csv", "leak.csv", "emptytarget.csv", "onerow.csv", "three.csv", "const.csv", "rare.csv", "duphead.csv", "ragged.csv"}, name)
		if code != 0 && !refused {
			return fmt.Errorf("%s: exit %d: %s", name, code, lastLine(beside))
		}
	}
	return nil
}

// reproducibleStep: the same data and seed give the same model.
func reproducibleStep(t *trial) error {
	var cards [2]string
	for i := range cards {
		t.fresh()
		events := filepath.Join(filepath.Dir(t.dir), "49-recommender", "events.csv")
		if _, text, code := t.imports(events); code != 0 {
			return fmt.Errorf("exit %d: %s", code, lastLine(text))
		}
		if _, err := t.must("train", "recommend", "--minutes", "2", "--preset", "tiny", "--seed", "7"); err != nil {
			return err
		}
		out, err := t.must("evaluate", "recommend", "--json")
		if err != nil {
			return err
		}
		var card struct {
			Rows []struct {
				Name       string
				Validation map[string]any
				Test       map[string]any
			}
		}
		if err := json.Unmarshal([]byte(out), &card); err != nil {
			return err
		}
		b, err := json.Marshal(card)
		if err != nil {
			return err
		}
		cards[i] = string(b)
	}
	if cards[0] != cards[1] {
		return fmt.Errorf("two runs differ: %s and %s", cards[0][:min(len(cards[0]), 200)], cards[1][:min(len(cards[1]), 200)])
	}
	return nil
}
