package recommend

import (
	"embed"
	"io/fs"

	"bellwether/web/page"
)

//go:embed texts
var files embed.FS

// module is what the application gives to the pages: what its task is called.
func module() *page.Module {
	texts, err := fs.Sub(files, "texts")
	if err != nil {
		panic(err) // the folder is a constant of this package
	}
	return &page.Module{Texts: texts}
}
