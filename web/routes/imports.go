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

// Imports are the imports, and takes them back. Requests see that when it returns.
type Imports interface {
	Imports(ctx context.Context) ([]collect.Batch, error)
	UndoImport(ctx context.Context, id string) (collect.Batch, error)
}

type importsOutput struct{ Body []collect.Batch }

type undoInput struct {
	ID string `path:"id" doc:"Of the import."`
}

type undoOutput struct{ Body collect.Batch }

// ImportList returns the routes of what was imported: it is listed, and taken back.
func ImportList(of Of[Imports]) []web.Route {
	list := func(ctx context.Context, _ *struct{}) (*importsOutput, error) {
		c, err := of(ctx)
		if err != nil {
			return nil, err
		}
		all, err := c.Imports(ctx)
		return &importsOutput{Body: all}, err
	}
	undo := func(ctx context.Context, in *undoInput) (*undoOutput, error) {
		c, err := of(ctx)
		if err != nil {
			return nil, err
		}
		b, err := c.UndoImport(ctx, in.ID)
		return &undoOutput{Body: b}, err
	}
	return []web.Route{
		web.Typed(http.MethodGet, "/v1/imports", web.Admin, "What was imported, the newest first", list).With(named("imports")),
		web.Typed(http.MethodPost, "/v1/imports/{id}/undo", web.Admin, "Take an import back", undo).With(func(r *web.Route) {
			r.Name = "imports-undo"
			r.Details = "What came with it is not read any more, its items become what they were before, and the same file can be imported again. The log keeps all of it."
		}),
	}
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
				{Name: "encoding", Doc: "Of the text, such as windows-1252; empty: found out from the content."},
				{Name: "replace", Doc: "true: take earlier imports of the same name back, so that this one stands in their place."},
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
	o = collect.ImportOptions{Format: q.Get("format"), Name: q.Get("name"), Encoding: q.Get("encoding")}
	if text := q.Get("size"); text != "" {
		if o.Size, err = strconv.ParseInt(text, 10, 64); err != nil {
			return o, web.BadRequest("size is %q, not a number of bytes", text)
		}
	}
	for _, flag := range []struct {
		name string
		to   *bool
	}{{"dry_run", &o.DryRun}, {"replace", &o.Replace}} {
		text := q.Get(flag.name)
		if text == "" {
			continue
		}
		if *flag.to, err = strconv.ParseBool(text); err != nil {
			return o, web.BadRequest("%s is %q; it can be true or false", flag.name, text)
		}
	}
	if o.Replace && o.Name == "" {
		return o, web.BadRequest("replace needs the name of the file: an import takes the place of those of its name")
	}
	if text := q.Get("map"); text != "" {
		o.Mapping, err = collect.ParseMapping([]byte(text))
	}
	return o, err
}
