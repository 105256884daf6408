package webtest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"bellwether/web/page"
)

// Texts checks the texts of one folder against the Go files and templates below dir, as [Problems] does.
func Texts(t *testing.T, texts fs.FS, dir string, others []fs.FS, made ...string) {
	t.Helper()
	problems, err := Problems(texts, os.DirFS(dir), others, made...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

// Problems says what is wrong with the texts of one folder: a key that is missing in a language or has other arguments
// there, one that is not translated, one that no file of code uses, and one that is used and is neither in texts nor in
// others. made are the beginnings of keys that code puts together, such as "rule.".
func Problems(texts, code fs.FS, others []fs.FS, made ...string) ([]string, error) {
	var own, all page.Catalogue
	if err := own.Read(texts); err != nil {
		return nil, err
	}
	for _, f := range append([]fs.FS{texts}, others...) {
		if err := all.Read(f); err != nil {
			return nil, err
		}
	}
	keys, err := usedKeys(code)
	if err != nil {
		return nil, err
	}
	out := inBoth(&own)
	spaces := map[string]bool{}
	for _, key := range all.Keys(page.Languages[0]) {
		space, _, _ := strings.Cut(key, ".")
		spaces[space] = true
	}
	for key, file := range keys {
		space, _, _ := strings.Cut(key, ".")
		if _, ok := all.Text(page.Languages[0], key); !ok && spaces[space] && !strings.HasSuffix(key, ".") && !begins(key, made) {
			out = append(out, fmt.Sprintf("%s uses the key %s, which no catalogue has", file, key))
		}
	}
	for _, key := range own.Keys(page.Languages[0]) {
		if keys[key] == "" && !begins(key, made) {
			out = append(out, fmt.Sprintf("the text %s is used nowhere", key))
		}
	}
	slices.Sort(out)
	return out, nil
}

func begins(key string, made []string) bool {
	return slices.ContainsFunc(made, func(m string) bool { return strings.HasPrefix(key, m) })
}

var hole = regexp.MustCompile(`\{\d+(?:\|[^}]*)?\}`)

// inBoth compares the languages.
func inBoth(c *page.Catalogue) (out []string) {
	for _, lang := range page.Languages {
		for _, key := range c.Keys(lang) {
			text, _ := c.Text(lang, key)
			if strings.TrimSpace(text) == "" {
				out = append(out, fmt.Sprintf("%s of %s is empty", key, lang))
			}
			for _, other := range page.Languages {
				there, ok := c.Text(other, key)
				switch {
				case !ok:
					out = append(out, fmt.Sprintf("%s is in %s and not in %s", key, lang, other))
				case lacks(text, there):
					out = append(out, fmt.Sprintf("%s has other arguments in %s (%q) than in %s (%q)", key, lang, text, other, there))
				case other != lang && lang != page.Languages[0] && text == there && strings.ContainsFunc(text, unicode.IsLower):
					out = append(out, fmt.Sprintf("%s is not translated into %s: %q", key, lang, text))
				}
			}
		}
	}
	return out
}

// lacks reports whether b is without an argument of a. A choice by number may be in one language alone.
func lacks(a, b string) bool {
	for _, h := range hole.FindAllString(a, -1) {
		if !strings.Contains(h, "|") && !strings.Contains(b, h) {
			return true
		}
	}
	return false
}

// used finds what may be a key: words joined by dots between quotation marks.
var used = regexp.MustCompile(`"([a-z0-9_-]+(?:\.[^"\s.][^".]*)+\.?)"`)

// usedKeys finds keys in Go files and templates that are no tests, with a file that has each.
func usedKeys(code fs.FS) (map[string]string, error) {
	keys := map[string]string{}
	err := fs.WalkDir(code, ".", func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || ext != ".go" && ext != ".tmpl" {
			return err
		}
		text, err := fs.ReadFile(code, path)
		for _, m := range used.FindAllSubmatch(text, -1) {
			if key := string(m[1]); !strings.HasSuffix(key, ".tmpl") {
				keys[key] = path
			}
		}
		return err
	})
	return keys, err
}
