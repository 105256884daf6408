package routes

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"bellwether/web"
)

// Exporter writes one of the things that can be had as a file.
type Exporter interface {
	Export(ctx context.Context, what string, w io.Writer) error
}

// File is one thing that can be exported.
type File struct {
	Name        string // what is asked for
	Doc         string
	ContentType string
}

// Export returns the route that writes files as a stream.
func Export(of Of[Exporter], files []File) []web.Route {
	var kinds, docs []string
	for _, f := range files {
		docs = append(docs, f.Name+": "+f.Doc)
		if !slices.Contains(kinds, f.ContentType) {
			kinds = append(kinds, f.ContentType)
		}
	}
	return []web.Route{
		web.Raw(http.MethodGet, "/v1/export/{what}", web.Admin, "Cleaned data, training sets or models as a file", func(w http.ResponseWriter, r *http.Request) error {
			what := r.PathValue("what")
			at := slices.IndexFunc(files, func(f File) bool { return f.Name == what })
			if at < 0 {
				return web.NotFound("there is no export %q", what).Advise("ask for " + names(files))
			}
			e, err := of(r.Context())
			if err != nil {
				return err
			}
			out := &stream{w: w, contentType: files[at].ContentType}
			err = e.Export(r.Context(), what, out)
			if err != nil && out.begun {
				panic(http.ErrAbortHandler) // the file must not look whole
			}
			return err
		}).With(func(r *web.Route) { r.Answers, r.Details = kinds, strings.Join(docs, "\n\n") }),
	}
}

func names(files []File) string {
	var out []string
	for _, f := range files {
		out = append(out, f.Name)
	}
	return strings.Join(out, ", ")
}

// stream sets the header when the first byte comes: before that, an error can still be told.
type stream struct {
	w           http.ResponseWriter
	contentType string
	begun       bool
}

// Write sends p.
func (s *stream) Write(p []byte) (int, error) {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", s.contentType)
		s.w.Header().Set("Cache-Control", "no-store")
	}
	n, err := s.w.Write(p)
	if err != nil {
		return n, fmt.Errorf("nobody reads the file any more: %w", err)
	}
	return n, nil
}
