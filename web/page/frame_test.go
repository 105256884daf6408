package page

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
)

func things(_ context.Context, r *http.Request) (any, error) {
	if r.URL.Query().Has("broken") {
		return nil, errors.New("the disk <is> full")
	}
	return sampleTable(), nil
}

type titled string

func (s titled) PageTitle() Text { return Plain("Thing " + string(s)) }

func thing(_ context.Context, r *http.Request) (any, error) {
	if id := r.PathValue("id"); id != "none" {
		return titled(id), nil
	}
	return nil, NotFound(errors.New("no thing has the id none"))
}

// mended is what mend's Do was given.
var mended []string

func mend() Action {
	return Action{
		Name: "mend", Title: Plain("Mend"), Button: Plain("Mend it"), Role: "mender",
		Fields: []Field{
			{Name: "who", Label: Plain("Who"), Help: Plain("An id."), Required: true},
			{Name: "how", Label: Plain("How"), Kind: "select", Value: "well", Options: []Option{{"well", Plain("well")}, {"fast", Plain("fast")}}},
			{Name: "sure", Label: Plain("Sure"), Kind: "checkbox"},
			{Name: "why", Label: Plain("Why"), Kind: "area"},
			{Name: "key", Kind: "hidden", Value: "k"},
		},
		Preview: func(_ context.Context, v url.Values) (Preview, error) {
			if v.Get("who") == "nobody" {
				return Preview{}, &Error{Status: http.StatusUnprocessableEntity, Err: errors.New("nobody is called that")}
			}
			return Preview{Summary: Plain("would mend " + v.Get("who"))}, nil
		},
		Do: func(_ context.Context, v url.Values) (Text, error) {
			mended = append(mended, v.Get("who"))
			return Plain("mended " + v.Get("who")), nil
		},
	}
}

func get(t *testing.T, f http.Handler, address string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, address, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	f := sampleFrame(t, Options{Project: func(*http.Request) string { return "shop" }, Allowed: func(_ *http.Request, role string) bool { return role != "admin" }})
	for _, test := range []struct {
		address string
		code    int
		want    []string
		never   string
	}{
		{"/things", 200, []string{"<title>Things · Bellwether</title>", `lang="en"`, "b &lt;i&gt;", `hx-get="/things?part=list"`, `href="/things?sort=rows%3A-score#rows"`, "shop", `aria-current="page"`}, "<i>"},
		{"/things?lang=zh", 200, []string{`lang="zh-Hans"`, "<h1>东西</h1>", "暂无数据", "对照组里还没有人"}, "no data"},
		{"/things?part=list", 200, []string{`id="rows"`}, "<html"},
		{"/things?part=head", 404, []string{"There is nothing here"}, "<html"},
		{"/things/7", 200, []string{"Thing 7", `<a href="/things">Things</a>`}, ""},
		{"/things/none", 404, []string{"There is nothing here", "no thing has the id none", "<nav"}, ""},
		{"/things?broken", 500, []string{"This page could not be made", "the disk &lt;is&gt; full", "Nothing was changed"}, "<is>"},
		{"/things?broken&part=list", 500, []string{`role="alert"`}, "<html"},
		{"/secret", 403, []string{"You may not open this"}, "<p><nil></p>"},
		{"/nowhere", 404, []string{"no page is at this address", `href="/things"`}, `href="/secret"`},
	} {
		w := get(t, f, test.address)
		body := w.Body.String()
		if w.Code != test.code {
			t.Errorf("%s: %d, want %d", test.address, w.Code, test.code)
		}
		for _, want := range test.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q:\n%s", test.address, want, body)
			}
		}
		if test.never != "" && strings.Contains(body, test.never) {
			t.Errorf("%s has %q", test.address, test.never)
		}
		clean(t, body)
		if csp := w.Header().Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: the policy is %q", test.address, csp)
		}
	}
}

func TestDownload(t *testing.T) {
	f := sampleFrame(t, Options{})
	w := get(t, f, "/things?csv=rows&sort=rows:score")
	want := "name,score,score_low,score_high,cost\n\"b <i>\",0.2,0.19,0.21,19.99\n'=cmd|' /C calc'!A0,0.3,0.29,0.31,\nc,,,,5\n"
	want = strings.ReplaceAll(want, `"b <i>"`, "b <i>")
	if got := w.Body.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := w.Header().Get("Content-Disposition"); got != `attachment; filename="rows.csv"` {
		t.Error(got)
	}
	if w := get(t, f, "/things?csv=none"); w.Code != http.StatusNotFound {
		t.Errorf("a table that is not there: %d", w.Code)
	}
}

// TestForm holds the dry run: a first POST only shows, a second does, and the next page says what was done, once.
func TestForm(t *testing.T) {
	f := sampleFrame(t, Options{})
	post := func(address string, v url.Values, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(v.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		return w
	}
	mended = nil
	ann := url.Values{"who": {"ann"}}
	if w := post("/things?do=mend", ann); w.Code != 200 || !strings.Contains(w.Body.String(), "would mend ann") || !strings.Contains(w.Body.String(), `name="who" value="ann"`) {
		t.Errorf("the preview: %d %s", w.Code, w.Body)
	}
	if w := post("/things?do=mend", url.Values{"who": {"nobody"}}); w.Code != 422 || !strings.Contains(w.Body.String(), "nobody is called that") {
		t.Errorf("a wrong field: %d", w.Code)
	}
	if w := post("/things?do=mend", url.Values{"who": {"ann"}, "confirmed": {"yes"}}, "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("from another site: %d", w.Code)
	}
	if w := post("/things?do=other", ann); w.Code != 404 {
		t.Errorf("another form: %d", w.Code)
	}
	if len(mended) > 0 {
		t.Fatalf("mended %q without being asked to", mended)
	}
	w := post("/things?do=mend&q=a", url.Values{"who": {"ann"}, "confirmed": {"yes"}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/things?q=a" || len(mended) != 1 {
		t.Fatalf("the deed: %d to %q, mended %q", w.Code, w.Header().Get("Location"), mended)
	}
	next := get(t, f, "/things", "Cookie", strings.Split(w.Header().Get("Set-Cookie"), ";")[0])
	if !strings.Contains(next.Body.String(), "mended ann") || !strings.Contains(next.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("the next page does not say it, or says it twice: %s", next.Header())
	}
	f = sampleFrame(t, Options{SignOut: "/logout", Token: func(*http.Request) (string, string) { return "csrf", `"t` }})
	if body := post("/things?do=mend", url.Values{"who": {"ann"}, "csrf": {`"t`}}).Body.String(); strings.Count(body, `name="csrf" value="&#34;t"`) != 3 {
		t.Errorf("not each form brings the session's token once: %s", body)
	}
	forbidden := sampleFrame(t, Options{Allowed: func(_ *http.Request, role string) bool { return role != "mender" }})
	if body := get(t, forbidden, "/things").Body.String(); strings.Contains(body, "Mend it") || strings.Contains(body, `id="mend"`) {
		t.Error("somebody who may not mend sees the form")
	}
	f = forbidden
	if w := post("/things?do=mend", url.Values{"who": {"ann"}, "confirmed": {"yes"}}); w.Code != 403 || len(mended) != 1 {
		t.Errorf("somebody who may not mend: %d", w.Code)
	}
}

func TestLanguages(t *testing.T) {
	f := sampleFrame(t, Options{})
	for _, test := range []struct{ address, accept, cookie, want string }{
		{"/things", "", "", "en"},
		{"/things", "fr, zh-CN;q=0.8", "", "zh-Hans"},
		{"/things", "fr", "", "en"},
		{"/things?lang=zh", "en", "", "zh-Hans"},
		{"/things", "en", "zh", "zh-Hans"},
		{"/things?lang=en", "zh", "zh", "en"},
		{"/things?lang=xx", "zh-TW", "", "zh-Hans"},
	} {
		headers := []string{"Accept-Language", test.accept}
		if test.cookie != "" {
			headers = append(headers, "Cookie", languageCookie+"="+test.cookie)
		}
		w := get(t, f, test.address, headers...)
		if !strings.Contains(w.Body.String(), `<html lang="`+test.want+`"`) {
			t.Errorf("%+v: another language", test)
		}
		if set := w.Header().Get("Set-Cookie"); strings.Contains(set, languageCookie) != (strings.Contains(test.address, "lang=") && !strings.Contains(test.address, "xx")) {
			t.Errorf("%+v: the cookie is %q", test, set)
		}
	}
}

func TestAssets(t *testing.T) {
	f := sampleFrame(t, Options{})
	page := get(t, f, "/things").Body.String()
	for _, name := range []string{"console.css", "console.js", "theme.js", "htmx.js", "echarts.js", "icon.svg"} {
		address := f.names[name]
		if !strings.Contains(page, address) {
			t.Errorf("the page does not name %s", address)
		}
		plain, small := get(t, f, address), get(t, f, address, "Accept-Encoding", "br;q=1, gzip;q=0.5")
		if plain.Code != 200 || !strings.Contains(plain.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %s", address, plain.Code, plain.Header())
		}
		z, err := gzip.NewReader(small.Body)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if un, err := io.ReadAll(z); err != nil || !bytes.Equal(un, plain.Body.Bytes()) {
			t.Errorf("%s compressed is another file (%v)", address, err)
		}
	}
	if w := get(t, f, "/assets/console.css"); w.Code != 404 {
		t.Errorf("a file without its hash: %d", w.Code)
	}
	if w := get(t, f, "/things", "Accept-Encoding", "gzip;q=0"); w.Header().Get("Content-Encoding") != "" {
		t.Error("a page is compressed for a browser that refuses it")
	}
	if w := get(t, f, "/things", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "gzip" {
		t.Error("a page is not compressed")
	}
}

// TestNewRefuses holds that a module that would fail a reader fails at the start.
func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*Module){
		"a title without a text":  func(m *Module) { m.Pages[0].Title = "t.none" },
		"a part without template": func(m *Module) { m.Pages[0].Parts = []string{"none"} },
		"a missing template":      func(m *Module) { m.Pages[0].Template = "none.html.tmpl" },
		"two pages at one path":   func(m *Module) { m.Pages[1].Path = "/things" },
		"a missing language":      func(m *Module) { m.Texts = fstest.MapFS{"en.json": {Data: []byte(`{}`)}} },
		"a key of the frame": func(m *Module) {
			m.Texts = fstest.MapFS{"en.json": {Data: []byte(`{"page": {"menu": "x"}}`)}, "zh.json": {Data: []byte(`{}`)}}
		},
	} {
		m := sampleModule()
		change(&m)
		if _, err := New(Options{}, m); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestRoutes(t *testing.T) {
	f := sampleFrame(t, Options{})
	var got []string
	for _, r := range f.Routes() {
		got = append(got, r.Method+" "+r.Path+" "+r.Role)
	}
	want := "GET /things , POST /things , GET /things/{id} , GET /secret admin, GET /assets/{name} "
	if strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
	if _, err := f.Render(context.Background(), "/things", "zh"); err != nil {
		t.Error(err)
	}
}
