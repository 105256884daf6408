package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, s Source, address string) (int, string) {
	t.Helper()
	f, err := frame(s)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
	return w.Code, w.Body.String()
}

func TestPages(t *testing.T) {
	for _, test := range []struct {
		address string
		code    int
		want    []string
	}{
		{"/", 200, []string{"€9,871", "€5,751 to €13,991", "The interval above holds the true figure.", "€10,240", "Large model and rules together", "Espresso cups", "/decisions/d-020411", "No model is", "holdout"}},
		{"/?lang=zh", 200, []string{"€5,751 至 €13,991", "大模型与规则组合", "对照组", "没有成本的商品的销售不计入毛利；请导入成本：sku-014"}},
		{"/report", 200, []string{"Welch, adjusted by the pre-period (CUPED)", "no data", "nobody was asked", "not enough for a verdict", "3 people were decided about in both groups", "too little to say"}},
		{"/models", 200, []string{"recommend-000003", "Why this one?", "Simple rules together", "simple rule", "the one before stayed", "Turn 3", "0.463", "No turn yet", "What to show to whom"}},
		{"/decisions?surface=mail", 200, []string{"mail", `aria-current="true">mail`, "Page 1 of 816"}},
		{"/decisions?q=nobody", 200, []string{"No decision matches."}},
		{"/decisions/d-020411", 200, []string{"Decision for customer-1763 on home", "€24.90", "More may follow", "Left out: bought already", "not shown", "3.1e-07"}},
		{"/decisions/none", 404, []string{"There is nothing here"}},
		{"/data", 200, []string{"1,482,137", "Spellings", "the same thing was spelled in several ways", "twelve &lt;b&gt;euro", "the newest 7 of 31", "taken back", "SKU-001", "13 Jan 2026"}},
	} {
		code, body := get(t, sample{}, test.address)
		if code != test.code {
			t.Errorf("%s: %d, want %d", test.address, code, test.code)
		}
		for _, w := range test.want {
			if !strings.Contains(strings.ToLower(body), strings.ToLower(w)) {
				t.Errorf("%s lacks %q", test.address, w)
			}
		}
	}
}

// TestNothingYet holds that a project without data is told what is missing and what brings it, and sees no number.
func TestNothingYet(t *testing.T) {
	for address, want := range map[string][]string{
		"/":          {"Nothing has come in yet", "bellwether import FILE"},
		"/report":    {"No number yet", "nobody is in the holdout yet"},
		"/models":    {"No turn yet", "bellwether turn"},
		"/decisions": {"No decision yet", "bellwether recommend PERSON"},
		"/data":      {"Nothing has come in yet", "Nothing was refused.", "No file was read yet"},
	} {
		code, body := get(t, sample{empty: true}, address)
		for _, w := range want {
			if code != 200 || !strings.Contains(body, w) {
				t.Errorf("%s: %d, lacks %q", address, code, w)
			}
		}
		if regexp.MustCompile(`>(€0|0%|0\.0)`).MatchString(body) || strings.Contains(body, "data-chart=") {
			t.Errorf("%s shows a number or a chart of nothing", address)
		}
	}
}

var (
	tags    = regexp.MustCompile(`(?s)<(code|script|style)[ >].*?</(code|script|style)>|<[^>]*>`)
	english = regexp.MustCompile(`[A-Za-z']+(?: [A-Za-z']+){2,}`)
)

// TestChineseWhole holds that no English sentence is left on a Chinese page, besides data.
func TestChineseWhole(t *testing.T) {
	data := regexp.MustCompile(`set of six|bellwether import FILE|Espresso cups|Pasta drying rack|Olive wood board|Wool tea cosy|Cast-iron pan|iron pan|Milk jug|the price is text|adjusted by the|asymptotic confidence|bootstrap over people`)
	for _, p := range every {
		for _, s := range []sample{{}, {empty: true}} {
			_, body := get(t, s, p.path+"?lang=zh")
			for _, found := range english.FindAllString(tags.ReplaceAllString(body, "\n"), -1) {
				if !data.MatchString(found) {
					t.Errorf("%s: %q", p.path, found)
				}
			}
			if key := regexp.MustCompile(`>[a-z]+\.[a-z.]+<`).FindString(body); key != "" {
				t.Errorf("%s shows the key %s", p.path, key)
			}
		}
	}
}

// TestReplay holds that reading again shows first what would happen.
func TestReplay(t *testing.T) {
	a := pages{sample{}}.replay()
	p, err := a.Preview(context.Background(), url.Values{})
	if err != nil || p.Nothing || p.Table == nil || len(p.Table.Rows) != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := a.Preview(context.Background(), url.Values{"source": {"nowhere"}}); err == nil {
		t.Error("an unknown source was taken")
	}
}

func TestTruth(t *testing.T) {
	for truth, want := range map[float64]string{6000: "today.truth.inside", 5000: "today.truth.outside", 14000: "today.truth.outside"} {
		e := sampleEarned()
		e.Truth = &truth
		if n := truthNotice(e); n.Text.Key != want {
			t.Errorf("%v: %s, want %s", truth, n.Text.Key, want)
		}
	}
}

// BenchmarkPages makes each page whole, as a reader asks for it.
func BenchmarkPages(b *testing.B) {
	f, err := frame(sample{})
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range every {
		b.Run(p.name, func(b *testing.B) {
			for b.Loop() {
				f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, p.path+"?lang=zh", nil))
			}
		})
	}
}

// TestUndo: what goes is shown before it is done; an import that is not there, or was taken back, is nothing.
func TestUndo(t *testing.T) {
	a := pages{sample{}}.undo()
	data, err := sample{}.Data(t.Context())
	if err != nil || len(data.Imports) == 0 {
		t.Fatalf("%d imports, %v", len(data.Imports), err)
	}
	for _, i := range data.Imports {
		p, err := a.Preview(t.Context(), url.Values{"id": {i.ID}})
		if err != nil || p.Nothing != !i.Undone.IsZero() {
			t.Errorf("%s: %+v, %v", i.ID, p, err)
		}
	}
	if p, err := a.Preview(t.Context(), url.Values{"id": {"none"}}); err != nil || !p.Nothing {
		t.Errorf("none: %+v, %v", p, err)
	}
	if _, err := a.Do(t.Context(), url.Values{"id": {data.Imports[0].ID}}); err != nil {
		t.Error(err)
	}
}
