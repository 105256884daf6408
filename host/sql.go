package host

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"

	"bellwether/collect"
	"bellwether/web"
)

// SQLImport asks for the rows of a query.
type SQLImport struct {
	DSN    string `json:"dsn" doc:"Of the database, such as postgres://user@host/database."`
	Query  string `json:"query"`
	Map    string `json:"map,omitempty" doc:"A mapping in YAML."`
	DryRun bool   `json:"dry_run,omitempty"`

	Replace bool `json:"replace,omitempty" doc:"Take earlier imports of queries back."`
}

// sqlRoutes are those of imports from a database: the server connects to it, so that only its own machine may ask.
func sqlRoutes() []web.Route {
	type input struct{ Body SQLImport }
	type output struct{ Body collect.ImportReport }
	return []web.Route{web.Typed(http.MethodPost, "/v1/imports/sql", web.Admin, "Read events from a query of a PostgreSQL database", func(ctx context.Context, in *input) (*output, error) {
		p, err := project(ctx)
		if err != nil {
			return nil, err
		}
		if !web.CallFrom(ctx).Local {
			return nil, notHere("a database")
		}
		o := collect.ImportOptions{Name: "query", DryRun: in.Body.DryRun, Replace: in.Body.Replace}
		if in.Body.Map != "" {
			if o.Mapping, err = collect.ParseMapping([]byte(in.Body.Map)); err != nil {
				return nil, err
			}
		}
		db, err := sql.Open("pgx", in.Body.DSN)
		if err != nil {
			return nil, fmt.Errorf("opening the database: %w", err)
		}
		defer db.Close()
		rows, err := db.QueryContext(ctx, in.Body.Query)
		if err != nil {
			return nil, web.BadRequest("querying the database: %w", err)
		}
		defer rows.Close()
		r, err := p.Collector.ImportRows(ctx, rows, o, web.Progress(ctx))
		return &output{r}, err
	}).With(func(r *web.Route) { r.Name = "import-sql" })}
}
