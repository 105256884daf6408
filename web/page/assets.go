package page

import (
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed assets/*.js assets/*.css assets/*.svg
var assetFiles embed.FS

const assetPath = "/assets/"

// asset is a file of the frame, as it is sent.
type asset struct {
	kind         string
	plain, small []byte // small is compressed
}

// loadAssets reads the files once.
var loadAssets = sync.OnceValues(readAssets)

// readAssets gives each file an address that has its content's hash in it, so that a browser keeps it for good.
func readAssets() (byName map[string]*asset, address map[string]string) {
	byName, address = map[string]*asset{}, map[string]string{}
	entries, err := assetFiles.ReadDir("assets")
	for _, e := range entries {
		content, readErr := assetFiles.ReadFile("assets/" + e.Name())
		err = errors.Join(err, readErr)
		sum := sha256.Sum256(content)
		ext := path.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		kind := mime.TypeByExtension(ext)
		switch ext { // whatever the machine's own table says
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		}
		byName[name] = &asset{kind, content, compress(content, gzip.BestCompression)}
		address[e.Name()] = assetPath + name
	}
	if err != nil {
		panic(err) // embedded files can be read
	}
	return byName, address
}

func (f *Frame) asset(w http.ResponseWriter, r *http.Request) {
	a := f.assets[path.Base(r.URL.Path)]
	if a == nil {
		http.NotFound(w, r)
		return
	}
	h, out := w.Header(), a.plain
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		out = a.small
	}
	h.Set("Content-Length", strconv.Itoa(len(out)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(out)
	}
}
