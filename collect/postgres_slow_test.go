//go:build slow

package collect

import (
	"database/sql"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// TestPostgres reads a query of a real server, whose address BELLWETHER_POSTGRES holds, such as
// postgres://postgres@127.0.0.1:5432/postgres. The rows are generated: nothing is left there.
func TestPostgres(t *testing.T) {
	address := os.Getenv("BELLWETHER_POSTGRES")
	if address == "" {
		t.Skip("BELLWETHER_POSTGRES names no server")
	}
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const query = `select 'c' || n % 997 as customer_id, n % 53 as product_id, n % 2 = 0 as gift, null as note,
		case when n = 7 then null else timestamptz '2026-01-01 00:00+00' + n * interval '1 minute' end as order_date,
		((n % 1000) / 100.0)::numeric(10,2) as price from generate_series(1, 20000) n order by `
	c, p := inStore(t)
	for _, test := range []struct {
		order                string
		accepted, duplicates int64
	}{{"n", 19_999, 0}, {"n desc", 0, 19_999}} { // the same rows in another order are the same events
		rows, err := db.QueryContext(t.Context(), query+test.order)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.ImportRows(t.Context(), rows, ImportOptions{Name: "query"}, nil)
		rows.Close()
		if err != nil || r.Accepted != test.accepted || r.Duplicates != test.duplicates || r.Rejected != 1 {
			t.Errorf("by %s: %+v, %v", test.order, r, err)
		}
	}
	e := logged(t, p)[0]
	if e.Type != "purchase" || e.Subject != "c1" || e.Item != "1" || e.Price.Amount != 1 || !e.Occurred.Equal(e.Received) || e.Traits["gift"] != "false" {
		t.Errorf("the first event is %+v", e)
	}
}
