package console

import (
	"flag"
	"net/http"
	"testing"
)

var serveAt = flag.String("serve", "", "address to serve the sample pages at, to look at them: go test ./web/console -run TestServe -serve :8123 -timeout 0")

// TestServe shows the sample pages to whoever works on them; with ?empty, those of a project without data.
func TestServe(t *testing.T) {
	if *serveAt == "" {
		t.Skip("no -serve address is given")
	}
	f, err := frame(sample{})
	if err != nil {
		t.Fatal(err)
	}
	nothing, err := frame(sample{empty: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Error(http.ListenAndServe(*serveAt, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("empty"); err == nil && c.Value == "yes" || r.URL.Query().Has("empty") {
			nothing.ServeHTTP(w, r)
			return
		}
		f.ServeHTTP(w, r)
	})))
}
