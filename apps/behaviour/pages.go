package behaviour

import (
	"embed"

	"bellwether/web/page"
)

//go:embed texts
var files embed.FS

// module is what the application gives to the pages: what its task is called.
func module() *page.Module {
	return &page.Module{Texts: page.Sub(files, "texts")}
}
