package routes

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"bellwether/web"
)

// Report is what the decisions were worth, in the three forms that it can be written in.
type Report interface {
	WriteJSON(w io.Writer) error
	WriteCSV(w io.Writer) error
	WriteHTML(w io.Writer) error
}

type reportInput struct {
	Format string `query:"format" enum:"json,csv,html" default:"json"`
}

type bytesOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// Worth returns the route of the report.
func Worth(of Of[Report]) []web.Route {
	return []web.Route{
		web.Typed(http.MethodGet, "/v1/report", web.Admin, "What the decisions were worth", func(ctx context.Context, in *reportInput) (*bytesOutput, error) {
			r, err := of(ctx)
			if err != nil {
				return nil, err
			}
			var b bytes.Buffer
			out := &bytesOutput{ContentType: "application/json"}
			switch in.Format {
			case "csv":
				out.ContentType, err = "text/csv; charset=utf-8", r.WriteCSV(&b)
			case "html":
				out.ContentType, err = "text/html; charset=utf-8", r.WriteHTML(&b)
			default:
				err = r.WriteJSON(&b)
			}
			out.Body = b.Bytes()
			return out, err
		}),
	}
}
