package page_test

import (
	"testing"

	"bellwether/internal/webtest"
	"bellwether/web/page"
)

// TestTexts holds that no key of the frame is missing or unused in either language.
func TestTexts(t *testing.T) {
	webtest.Texts(t, page.Texts(), ".", nil, "page.error.status.", "page.error.title")
}
