package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// Languages are the languages of the console; the first is the default.
var Languages = []string{"en", "zh"}

// languageNames are what each calls itself, and how a browser names it.
var languageNames = map[string]struct{ Name, Tag string }{"en": {"English", "en"}, "zh": {"简体中文", "zh-Hans"}}

// phrases is the name in a texts file under which sentences of lower packages are translated.
const phrases = "phrases"

// Text is what a person reads: a key of the catalogue with its arguments, a sentence, or words as they are.
type Text struct {
	Key      string
	Args     []any // values as [View.Show] takes them
	Sentence string
	Words    string
	Capital  bool // it begins with a capital, where the language has them
}

// T is the text of a key. {0} in it is the first argument, {0|one|many} a choice by whether it is 1.
func T(key string, args ...any) Text { return Text{Key: key, Args: args} }

// Say is an English sentence that a lower package made, shown in another language where the catalogue's phrases know it.
func Say(sentence string) Text { return Text{Sentence: sentence} }

// Plain is words that are the same in every language: names, ids.
func Plain(words string) Text { return Text{Words: words} }

// Named is the text of a key, or the name itself where the catalogue lacks the key: for names that data bring along.
func Named(key, name string) Text { return Text{Key: key, Words: name} }

// Capital is a text that begins with a capital: a name that elsewhere stands within a sentence.
func Capital(t Text) Text {
	t.Capital = true
	return t
}

// IsZero reports whether t says nothing.
func (t Text) IsZero() bool { return t.Key == "" && t.Sentence == "" && t.Words == "" }

// Catalogue is texts by language and key. A texts file is JSON: objects nest, and the names joined by dots are the
// key. Its object "phrases" maps English sentences, in which {0} and so on stand for what varies, to this language.
type Catalogue struct {
	texts   map[string]map[string]string
	said    map[string]map[string]string // by language: whole sentences
	phrases map[string][]phrase          // and those with holes, longest first
}

type phrase struct {
	from   *regexp.Regexp
	prefix string // of what it matches
	to     string
	text   string
}

// Read adds en.json and zh.json of a folder. A key that is there already is an error.
func (c *Catalogue) Read(folder fs.FS) error {
	if c.texts == nil {
		c.texts, c.said, c.phrases = map[string]map[string]string{}, map[string]map[string]string{}, map[string][]phrase{}
	}
	for _, lang := range Languages {
		file, err := fs.ReadFile(folder, lang+".json")
		if err != nil {
			return fmt.Errorf("reading texts: %w", err)
		}
		var tree map[string]any
		if err := json.Unmarshal(file, &tree); err != nil {
			return fmt.Errorf("reading texts of %s: %w", lang, err)
		}
		if err := c.readPhrases(lang, tree); err != nil {
			return err
		}
		delete(tree, phrases)
		if c.texts[lang] == nil {
			c.texts[lang] = map[string]string{}
		}
		if err := flatten(c.texts[lang], "", tree); err != nil {
			return fmt.Errorf("reading texts of %s: %w", lang, err)
		}
	}
	return nil
}

func (c *Catalogue) readPhrases(lang string, tree map[string]any) error {
	said, _ := tree[phrases].(map[string]any)
	if c.said[lang] == nil {
		c.said[lang] = map[string]string{}
	}
	for from, to := range said {
		text, ok := to.(string)
		if !ok {
			return fmt.Errorf("the phrase %q of %s is no text", from, lang)
		}
		if !places.MatchString(from) {
			c.said[lang][from] = text
			continue
		}
		prefix, _, _ := strings.Cut(from, "{")
		c.phrases[lang] = append(c.phrases[lang], phrase{pattern(from), prefix, text, from})
	}
	sort.Slice(c.phrases[lang], func(i, j int) bool { return len(c.phrases[lang][i].text) > len(c.phrases[lang][j].text) })
	return nil
}

var places = regexp.MustCompile(`\{\d+\}`)

// pattern matches a sentence in which {0}, {1}, … stand for what varies, in that order.
func pattern(sentence string) *regexp.Regexp {
	parts := places.Split(sentence, -1)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`^(?s:` + strings.Join(parts, `([^;]+?)`) + `)$`)
}

func flatten(into map[string]string, above string, tree map[string]any) error {
	for name, v := range tree {
		key := strings.TrimPrefix(above+"."+name, ".")
		switch v := v.(type) {
		case string:
			if _, there := into[key]; there {
				return fmt.Errorf("the key %s is there twice", key)
			}
			into[key] = v
		case map[string]any:
			if err := flatten(into, key, v); err != nil {
				return err
			}
		default:
			return fmt.Errorf("the key %s is neither a text nor an object", key)
		}
	}
	return nil
}

// Keys returns the keys of a language in order.
func (c *Catalogue) Keys(lang string) []string {
	var out []string
	for k := range c.texts[lang] {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Text returns the text of a key as it is written.
func (c *Catalogue) Text(lang, key string) (string, bool) {
	t, ok := c.texts[lang][key]
	return t, ok
}

// say translates an English sentence where a phrase knows it; parts that are sentences joined by "; " are tried one by one.
func (c *Catalogue) say(lang, sentence string) string {
	if whole, ok := c.said[lang][sentence]; ok {
		return whole
	}
	for _, p := range c.phrases[lang] {
		if !strings.HasPrefix(sentence, p.prefix) {
			continue
		}
		m := p.from.FindStringSubmatch(sentence)
		if m == nil {
			continue
		}
		return places.ReplaceAllStringFunc(p.to, func(place string) string {
			var n int
			if _, err := fmt.Sscanf(place, "{%d}", &n); err != nil || n+1 >= len(m) {
				return place
			}
			return m[n+1]
		})
	}
	if first, rest, ok := strings.Cut(sentence, "; "); ok && len(c.said[lang]) > 0 {
		return c.say(lang, first) + "；" + c.say(lang, rest)
	}
	return sentence
}

const languageCookie = "bellwether-language"

// language picks the language of a request: ?lang=, then the cookie that it set, then the browser's preference.
func language(r *http.Request) string {
	wanted := []string{r.URL.Query().Get("lang")}
	if c, err := r.Cookie(languageCookie); err == nil {
		wanted = append(wanted, c.Value)
	} else if !errors.Is(err, http.ErrNoCookie) {
		return Languages[0]
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(part, ";")
		wanted = append(wanted, strings.TrimSpace(tag))
	}
	for _, w := range wanted {
		primary, _, _ := strings.Cut(strings.ToLower(w), "-")
		if slices.Contains(Languages, primary) {
			return primary
		}
	}
	return Languages[0]
}
