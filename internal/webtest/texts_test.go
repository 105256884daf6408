package webtest

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// TestProblems holds that each kind of fault is found, and that whole texts have none.
func TestProblems(t *testing.T) {
	texts := func(en, zh string) fs.FS {
		return fstest.MapFS{"en.json": {Data: []byte(en)}, "zh.json": {Data: []byte(zh)}}
	}
	code := fstest.MapFS{
		"a.go":           {Data: []byte(`page.T("a.one", 3); page.T("rule." + name)`)},
		"b.html.tmpl":    {Data: []byte(`{{$.T "a.two"}}`)},
		"a_test.go":      {Data: []byte(`page.T("a.three")`)},
		"elsewhere.html": {Data: []byte(`"a.three"`)},
	}
	whole := `{"a": {"one": "One {0} {0|thing|things}", "two": "Two"}, "rule": {"x": "X"}}`
	for _, test := range []struct{ name, en, zh, want string }{
		{"whole", whole, `{"a": {"one": "一 {0}", "two": "二"}, "rule": {"x": "甲"}}`, ""},
		{"missing", whole, `{"a": {"one": "一 {0}"}, "rule": {"x": "甲"}}`, "a.two is in en and not in zh"},
		{"more", whole, `{"a": {"one": "一 {0}", "two": "二", "four": "四"}, "rule": {"x": "甲"}}`, "a.four is in zh and not in en"},
		{"arguments", whole, `{"a": {"one": "一", "two": "二"}, "rule": {"x": "甲"}}`, "a.one has other arguments"},
		{"untranslated", whole, `{"a": {"one": "一 {0}", "two": "Two"}, "rule": {"x": "甲"}}`, "a.two is not translated"},
		{"empty", whole, `{"a": {"one": "一 {0}", "two": " "}, "rule": {"x": "甲"}}`, "a.two of zh is empty"},
		{"unused", `{"a": {"one": "1 {0}", "two": "2", "three": "3"}}`, `{"a": {"one": "1 {0}", "two": "2", "three": "3"}}`, "a.three is used nowhere"},
		{"unknown", `{"a": {"one": "1 {0}"}}`, `{"a": {"one": "1 {0}"}}`, "b.html.tmpl uses the key a.two"},
	} {
		problems, err := Problems(texts(test.en, test.zh), code, nil, "rule.")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(problems, "\n"); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: found %q, want %q", test.name, got, test.want)
		}
	}
}

// TestAxe holds that axe-core is the file that was vendored.
func TestAxe(t *testing.T) {
	if sum := fmt.Sprintf("%x", sha256.Sum256([]byte(axe))); sum != "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c" {
		t.Errorf("axe.min.js has the checksum %s: it is not axe-core 4.14.1", sum)
	}
}
