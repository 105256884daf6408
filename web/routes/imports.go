package routes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"bellwether"
	"bellwether/collect"
	"bellwether/web"
)

// Importer reads files into the log.
type Importer interface {
	Import(ctx context.Context, src io.Reader, o collect.ImportOptions, report func(bellwether.Progress)) (collect.ImportReport, error)
}

const importDetails = "The file is the body, or the part named file of a form, after a part named map with a mapping in YAML. It is read as it comes: " +
	"ask with Accept: application/x-ndjson for its progress. Rows that can't be read are kept aside and counted."

// Import returns the route that reads an upload.
func Import(of Of[Importer]) []web.Route {
	return []web.Route{
		web.Raw(http.MethodPost, "/v1/imports", web.Write, "Read events, a catalogue or market data from a file", func(w http.ResponseWriter, r *http.Request) error {
			im, err := of(r.Context())
			if err != nil {
				return err
			}
			src, o, err := upload(r)
			if err != nil {
				return err
			}
			report, err := im.Import(r.Context(), src, o, web.Progress(r.Context()))
			if err != nil {
				return err
			}
			b, err := json.Marshal(report)
			if err != nil {
				return fmt.Errorf("writing the report: %w", err)
			}
			return answer(w, append(b, '\n'))
		}).With(func(r *web.Route) {
			r.Name, r.Body, r.Details = "import", web.Stream, importDetails
			r.Accepts = []string{"application/octet-stream", "multipart/form-data"}
			r.Query = []web.Query{
				{Name: "format", Doc: "Of the file, such as segment, csv or parquet; empty: found out from the content."},
				{Name: "name", Doc: "Of the file, for messages and dead letters."},
				{Name: "size", Doc: "Of the file in bytes, for the progress."},
				{Name: "map", Doc: "A mapping in YAML, where the body is the file itself."},
				{Name: "dry_run", Doc: "true: read, check and count, and write nothing."},
			}
		}),
	}
}

// upload is the file of a request and how it is read.
func upload(r *http.Request) (io.Reader, collect.ImportOptions, error) {
	q := r.URL.Query()
	o, err := importOptions(q)
	if err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return r.Body, o, err
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, o, web.BadRequest("the form can't be read: %w", err)
	}
	for {
		part, err := parts.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, o, web.BadRequest("the form has no part named file").Advise("send it as curl -F file=@NAME does")
		case err != nil:
			return nil, o, web.BadRequest("the form can't be read: %w", err)
		case part.FormName() == "file":
			if o.Name == "" {
				o.Name = part.FileName()
			}
			return part, o, nil
		case part.FormName() == "map":
			text, err := io.ReadAll(io.LimitReader(part, 1<<20))
			if err == nil {
				o.Mapping, err = collect.ParseMapping(text)
			}
			if err != nil {
				return nil, o, err
			}
		}
	}
}

func importOptions(q url.Values) (o collect.ImportOptions, err error) {
	o = collect.ImportOptions{Format: q.Get("format"), Name: q.Get("name")}
	if text := q.Get("size"); text != "" {
		if o.Size, err = strconv.ParseInt(text, 10, 64); err != nil {
			return o, web.BadRequest("size is %q, not a number of bytes", text)
		}
	}
	if text := q.Get("dry_run"); text != "" {
		if o.DryRun, err = strconv.ParseBool(text); err != nil {
			return o, web.BadRequest("dry_run is %q; it can be true or false", text)
		}
	}
	if text := q.Get("map"); text != "" {
		o.Mapping, err = collect.ParseMapping([]byte(text))
	}
	return o, err
}
