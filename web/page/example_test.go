package page_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing/fstest"

	"bellwether"
	"bellwether/web/page"
)

// An application gives its pages as values, with a folder of templates and one of texts.
func Example() {
	visits := page.Page{
		Path: "/visits", Role: "read", Group: "worth", Title: "visits.title", Template: "visits.html.tmpl",
		Data: func(context.Context, *http.Request) (any, error) {
			e := bellwether.Estimate{Value: .312, Interval: []float64{.298, .326}, Level: .95, N: 1848, Method: "Wilson"}
			return page.Figure{Label: page.T("visits.label"), Estimate: e, Unit: page.Percent}, nil
		},
	}
	f, err := page.New(page.Options{Groups: []page.Group{{ID: "worth"}}}, page.Module{
		Name: "visits", Pages: []page.Page{visits},
		Templates: fstest.MapFS{"visits.html.tmpl": {Data: []byte(`{{$.Figure .Data}}`)}},
		Texts: fstest.MapFS{
			"en.json": {Data: []byte(`{"visits": {"title": "Visits", "label": "Came back within a week"}}`)},
			"zh.json": {Data: []byte(`{"visits": {"title": "访问", "label": "一周内再次访问"}}`)},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, lang := range page.Languages {
		html, err := f.Render(context.Background(), "/visits", lang)
		if err != nil {
			fmt.Println(err)
			return
		}
		for line := range strings.Lines(string(html)) {
			if strings.Contains(line, `class="label"`) || strings.Contains(line, `class="interval"`) {
				fmt.Print(line)
			}
		}
	}
	// Output:
	// <p class="label">Came back within a week</p>
	// <p class="interval">95% interval: 29.8% to 32.6%</p>
	// <p class="label">一周内再次访问</p>
	// <p class="interval">95% 区间：29.8% 至 32.6%</p>
}
