package collect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bellwether"
)

// usualNames are the columns that tables use for a field, in snake_case without separators, likeliest first.
var usualNames = []struct {
	field string
	names []string
}{
	{"time", []string{"timestamp", "time", "datetime", "eventtime", "occurredat", "createdat", "date", "orderdate", "invoicedate", "purchasedate", "day", "ds", "week"}},
	{"subject", []string{"userid", "customerid", "customer", "user", "subject", "personid", "visitorid", "memberid", "clientid", "uid"}},
	{"anonymous", []string{"anonymousid", "deviceid", "cookieid", "fullvisitorid"}},
	{"item", []string{"itemid", "productid", "item", "product", "sku", "stockcode", "articleid", "contentid", "asin", "movieid"}},
	{"event", []string{"event", "eventtype", "eventname", "type", "action", "interaction"}},
	{"order", []string{"orderid", "invoiceno", "invoice", "transactionid", "order"}},
	{"price", []string{"price", "unitprice", "itemprice"}},
	{"total", []string{"total", "amount", "revenue", "sales", "spend"}},
	{"quantity", []string{"quantity", "qty", "count", "units"}},
	{"currency", []string{"currency", "currencycode"}},
	{"session", []string{"sessionid", "session"}},
	{"channel", []string{"channel", "source", "medium"}},
	{"campaign", []string{"campaign", "campaignid", "utmcampaign"}},
	{"user_agent", []string{"useragent", "ua"}},
	{"value", []string{"value", "rating", "score", "dwelltime", "seconds"}},
	{"competitor", []string{"competitor", "seller", "shop"}},
	{"id", []string{"messageid", "eventid", "id"}},
}

// usualItemNames are the same for a catalogue.
var usualItemNames = []struct {
	field string
	names []string
}{
	{"id", []string{"itemid", "productid", "id", "sku", "asin", "articleid", "stockcode"}}, {"title", []string{"title", "name", "productname", "itemname"}},
	{"text", []string{"text", "description"}}, {"category", []string{"category", "department", "productcategory"}},
	{"brand", []string{"brand", "manufacturer"}}, {"price", []string{"price", "unitprice"}}, {"cost", []string{"cost", "unitcost"}},
	{"currency", []string{"currency"}}, {"stock", []string{"stock", "inventory"}}, {"image", []string{"image", "imageurl"}},
}

// Guess proposes how the rows of a table become events (format csv, parquet or sql), items (items), media
// spend (spend) or prices of competitors (prices), from the names of its columns and a few rows.
func Guess(columns []string, samples [][]string, format string) (*Mapping, error) {
	m := &Mapping{Fields: map[string]Field{}}
	usual := usualNames
	if format == "items" {
		m.Kind, usual = KindItems, usualItemNames
	}
	taken := make(map[string]bool)
	for _, u := range usual {
		if c := columnNamed(columns, u.names, taken); c != "" {
			m.Fields[u.field] = Field{Column: c}
			taken[c] = true
		}
	}
	switch format {
	case "items":
		if m.Fields["id"].Column == "" {
			return nil, missing("id", columns)
		}
		for _, c := range columns {
			if !taken[c] {
				m.Traits = append(m.Traits, c)
			}
		}
		return m, nil
	case "spend":
		return guessSpend(m, columns, samples)
	case "prices":
		m.Fields["event"] = Field{Value: string(bellwether.CompetitorPrice)}
	}
	return guessEvents(m, columns, format)
}

func guessEvents(m *Mapping, columns []string, format string) (*Mapping, error) {
	if m.Fields["time"].Column == "" {
		return nil, missing("time", columns)
	}
	if m.Fields["subject"].Column == "" && m.Fields["anonymous"].Column == "" && format != "prices" {
		return nil, missing("subject", columns)
	}
	if _, ok := m.Fields["price"]; ok {
		delete(m.Fields, "total")
	}
	delete(m.Fields, "competitor")
	if c := columnNamed(columns, []string{"competitor", "seller", "shop"}, nil); c != "" && format == "prices" {
		m.Fields["competitor"] = Field{Column: c}
	}
	if _, ok := m.Fields["event"]; !ok {
		kind := bellwether.ViewItem
		for _, f := range []string{"order", "price", "total", "quantity"} {
			if _, sold := m.Fields[f]; sold {
				kind = bellwether.Purchase
			}
		}
		m.Fields["event"] = Field{Value: string(kind)}
	}
	return m, nil
}

// guessSpend takes a table of one row a day and channel, or of one column a channel.
func guessSpend(m *Mapping, columns []string, samples [][]string) (*Mapping, error) {
	if m.Fields["time"].Column == "" {
		return nil, missing("time", columns)
	}
	out := &Mapping{Fields: map[string]Field{"event": {Value: string(bellwether.MediaSpend)}, "time": m.Fields["time"]}}
	for _, f := range []string{"channel", "campaign", "currency"} {
		if c := m.Fields[f]; c.Column != "" {
			out.Fields[f] = c
		}
	}
	if c := columnNamed(columns, []string{"spend", "cost", "amount"}, nil); c != "" && out.Fields["channel"].Column != "" {
		out.Fields["price"] = Field{Column: c}
		return out, nil
	}
	out.Wide = map[string]string{}
	for k, c := range columns {
		if c != m.Fields["time"].Column && spendColumn(c) && numeric(samples, k) {
			out.Wide[c] = strings.TrimSuffix(strings.TrimSuffix(snake(c), "_s"), "_spend")
		}
	}
	if len(out.Wide) == 0 {
		return nil, missing("channel and spend", columns)
	}
	return out, nil
}

// spendColumn tells a channel's spend by its name: Robyn's tv_S, or tv_spend.
func spendColumn(c string) bool {
	name := snake(c)
	return strings.HasSuffix(name, "_s") || strings.HasSuffix(name, "_spend")
}

func numeric(samples [][]string, column int) bool {
	return !slices.ContainsFunc(samples, func(r []string) bool {
		if column >= len(r) {
			return true
		}
		_, err := strconv.ParseFloat(strings.TrimSpace(r[column]), 64)
		return err != nil && strings.TrimSpace(r[column]) != ""
	})
}

func columnNamed(columns, names []string, taken map[string]bool) string {
	for _, name := range names {
		for _, c := range columns {
			if !taken[c] && strings.ReplaceAll(snake(c), "_", "") == name {
				return c
			}
		}
	}
	return ""
}

func missing(field string, columns []string) error {
	return fmt.Errorf("%w: no column looks like %s; write a mapping for --map. The columns are %s", ErrMapping, field, list(columns))
}
