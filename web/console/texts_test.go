package console

import (
	"io/fs"
	"testing"

	"bellwether/internal/webtest"
	"bellwether/web/page"
)

// TestTexts holds that no key is missing or unused in either language.
func TestTexts(t *testing.T) {
	webtest.Texts(t, Texts(), ".", []fs.FS{page.Texts()},
		"rule.", "model.", "metric.", "event.", "effect.", "filter.", "check.", "glossary.", "today.earned.")
}
