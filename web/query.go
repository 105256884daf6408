package web

import (
	"net/http"
	"slices"
	"strings"
)

// checkQuery refuses a parameter of the address that the route doesn't know: a misspelt one would be left out without a word, and the answer
// be to another question. Collecting routes are asked by clients that were written for others, pages by browsers and public ones by
// probes: they take no notice.
func (r *row) checkQuery(of *http.Request) error {
	if of.URL.RawQuery == "" || r.HTML || r.Role == Collect || r.Role == Public {
		return nil
	}
	for name := range of.URL.Query() {
		if slices.Contains(r.known, name) {
			continue
		}
		p := BadRequest("%s has no parameter %q", of.URL.Path, name)
		p.Errors = []Fault{{Location: "query." + name, Message: "not known"}}
		if len(r.known) == 0 {
			return p.Advise("leave it out: it takes none")
		}
		return p.Advise("it takes " + strings.Join(r.known, ", "))
	}
	return nil
}
