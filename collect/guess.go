package collect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// columnNames are the names that columns have elsewhere, in snake_case, by the field that they
// are read into; of several columns for one field the earlier name wins.
var columnNames = map[string][]string{
	"id":         {"message_id", "event_id", "insert_id", "id"},
	"subject":    {"user_id", "userid", "subject", "customer_id", "customerid", "person_id", "personid", "member_id", "client_id", "reviewer_id", "visitor_id", "visitorid", "account_id", "buyer_id", "contact_id", "household_id", "user", "customer", "person", "visitor", "member", "uid", "cust_id"},
	"anonymous":  {"anonymous_id", "anonymous", "device_id", "cookie_id", "user_pseudo_id"},
	"item":       {"item_id", "itemid", "product_id", "productid", "content_id", "contentid", "article_id", "movie_id", "track_id", "song_id", "artist_id", "book_id", "news_id", "asin", "parent_asin", "isbn", "stock_code", "sku", "item", "product", "article", "movie", "iid"},
	"event":      {"event_type", "event", "event_name", "action", "action_type", "behavior_type", "behavior", "behaviour", "interaction_type", "interaction", "activity", "type"},
	"time":       {"occurred", "timestamp", "event_time", "event_timestamp", "datetime", "date_time", "time", "unix_time", "ts", "created_at", "order_date", "invoice_date", "invoicedate", "purchase_date", "transaction_date", "date", "day", "week", "month", "t"},
	"received":   {"received", "received_at"},
	"session":    {"session_id", "sessionid", "session", "user_session", "ga_session_id"},
	"quantity":   {"quantity", "qty", "pieces", "units", "number_of_items", "number_of_cds"},
	"price":      {"price", "unit_price", "unitprice", "item_price", "price_each"},
	"total":      {"total", "total_price", "order_total", "amount", "revenue", "dollar_value", "total_amount", "purchase_amount"},
	"value":      {"rating", "score", "stars", "value", "overall", "answer"},
	"currency":   {"currency", "currency_code"},
	"order":      {"order_id", "orderid", "order", "transaction_id", "transactionid", "invoice_no", "invoiceno", "invoice", "basket_id"},
	"position":   {"position", "rank", "index"},
	"channel":    {"channel", "utm_source", "source", "medium", "platform", "media"},
	"campaign":   {"campaign_id", "campaign", "campaign_name", "utm_campaign"},
	"creative":   {"creative_id", "creative", "ad_id", "utm_content"},
	"decision":   {"decision_id", "decision"},
	"user_agent": {"user_agent", "useragent"},
	"consent":    {"consent"},
	"competitor": {"competitor", "competitor_name", "shop", "retailer", "merchant", "store", "seller"},
	"spend":      {"spend", "cost", "media_cost", "ad_spend", "spent", "amount_spent"},
	"title":      {"title", "name", "product_name", "item_name", "product_title", "movie_title", "product", "headline"},
	"text":       {"text", "description", "body", "summary", "content", "product_description", "abstract"},
	"category":   {"category", "categories", "product_category", "product_type", "google_product_category", "main_category", "class", "genre", "genres", "department"},
	"brand":      {"brand", "manufacturer", "maker", "vendor"},
	"cost":       {"cost", "unit_cost", "cost_price", "cost_of_goods_sold"},
	"stock":      {"stock", "inventory", "stock_level", "on_hand", "inventory_quantity", "quantity"},
	"image":      {"image", "image_link", "image_url", "image_src"},
	"from":       {"available_from", "valid_from", "from", "availability_date"},
	"to":         {"available_to", "valid_to", "expiration_date", "to"},
	"updated":    {"updated", "updated_at"},
}

// knownColumn reports whether some field has this column's name.
func knownColumn(name string) bool {
	name = snake(name)
	for _, names := range columnNames {
		if slices.Contains(names, name) {
			return true
		}
	}
	return false
}

// Guess proposes how a table with these columns is read, by their names and its first rows.
// format is FormatItems, FormatSpend or FormatPrices where it is known what the rows are about,
// else anything. It is ErrMapping where no column tells what a row is about.
func Guess(columns []string, rows [][]string, format string) (*Mapping, error) {
	g := guesser{columns: columns, names: make([]string, len(columns)), rows: rows, taken: map[string]bool{}}
	for i, c := range columns {
		g.names[i] = snake(strings.TrimPrefix(strings.TrimPrefix(c, "properties."), "context."))
	}
	person := g.column("subject") >= 0 || g.column("anonymous") >= 0
	item, timed := g.column("item") >= 0, g.column("time") >= 0
	var m *Mapping
	switch {
	case format == FormatItems:
		m = g.items()
	case format == FormatSpend:
		m = g.spend()
	case format == FormatPrices:
		m = g.prices()
	case person && (item || timed || g.column("event") >= 0 || g.column("order") >= 0 || g.column("total") >= 0):
		m = g.events()
	case person:
		m = g.people()
	case item && g.column("competitor") >= 0 && g.column("price") >= 0:
		m = g.prices()
	case g.column("title") >= 0 && (item || g.column("id") >= 0):
		m = g.items()
	case timed:
		m = g.spend()
	}
	if m == nil || len(m.Fields) == 0 {
		return nil, fmt.Errorf("%w: the names of the columns do not tell what a row is about; write a mapping for --map; the columns are %s", ErrMapping, list(columns))
	}
	if _, ok := m.Fields["time"]; !ok && m.Kind != KindItems {
		return nil, fmt.Errorf("%w: no column looks like the time of an event; write a mapping for --map, with \"time: {value: now}\" if none says it; the columns are %s", ErrMapping, list(columns))
	}
	return m, nil
}

// guesser fills one mapping.
type guesser struct {
	columns, names []string
	rows           [][]string
	taken          map[string]bool // columns that are used
}

// column is the place of the column for a field, −1 where there is none.
func (g *guesser) column(field string) int {
	for _, name := range columnNames[field] {
		if i := slices.Index(g.names, name); i >= 0 && !g.taken[g.columns[i]] {
			return i
		}
	}
	return -1
}

// take maps the columns that there are for fields.
func (g *guesser) take(m *Mapping, fields ...string) {
	for _, name := range fields {
		from := name
		switch {
		case m.Kind == KindItems && name == "id" && g.column("item") >= 0:
			from = "item"
		case name == "price" && m.Fields["event"].Value == "media_spend":
			from = "spend"
		}
		if i := g.column(from); i >= 0 {
			if name == "id" && m.Kind != KindItems && !g.global(i) {
				continue // numbers of rows: another table has the same
			}
			m.Fields[name] = Field{Column: g.columns[i], Format: g.format(name, i)}
			g.taken[g.columns[i]] = true
		}
	}
}

// format is the pattern of a column of times that are not understood without one.
func (g *guesser) format(field string, column int) string {
	switch {
	case isAmount(field) && slices.Contains(g.names, "occurred") && slices.Contains(g.names, "received") && !slices.Contains(g.names, "identity"):
		return formatMinor // as WriteEvents of package prepare writes them; the lake's amounts are in major units
	case !slices.Contains([]string{"time", "received", "from", "to", "updated"}, field):
		return ""
	}
	reads := func(parse func(string) bool) bool {
		some := false
		for _, r := range g.rows {
			if column >= len(r) || strings.TrimSpace(r[column]) == "" {
				continue
			}
			if some = true; !parse(strings.TrimSpace(r[column])) {
				return false
			}
		}
		return some
	}
	for _, format := range []string{"", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%m/%d/%y %H:%M", "%b %d, %Y", "%d %b %Y"} {
		parse, _ := timeParser(format)
		if reads(func(s string) bool { _, err := parse(s); return err == nil }) {
			return format
		}
	}
	return ""
}

// rest keeps the columns that no field took as traits.
func (g *guesser) rest(m *Mapping) *Mapping {
	const most = 200
	for _, c := range g.columns {
		if !g.taken[c] && len(m.Traits) < most {
			m.Traits = append(m.Traits, c)
			g.taken[c] = true
		}
	}
	return m
}

// timed adds the time of the import where no column has one.
func timed(m *Mapping) {
	if _, ok := m.Fields["time"]; !ok {
		m.Fields["time"] = Field{Value: "now"}
	}
}

func (g *guesser) events() *Mapping {
	m := &Mapping{Fields: map[string]Field{}}
	g.take(m, "subject", "anonymous", "item", "event", "time", "received", "session", "quantity", "price", "total", "value", "currency",
		"order", "position", "channel", "campaign", "creative", "decision", "user_agent", "consent", "id")
	if _, ok := m.Fields["event"]; !ok {
		m.Fields["event"] = Field{Value: g.eventOf(m)}
	}
	return g.rest(m)
}

// eventOf names the events of a table that does not.
func (g *guesser) eventOf(m *Mapping) string {
	if _, ok := m.Fields["value"]; ok {
		return "rating"
	}
	for _, f := range []string{"order", "total", "price", "quantity"} {
		if _, ok := m.Fields[f]; ok {
			return "purchase"
		}
	}
	return "view_item"
}

// people reads a table of people: traits that are known from now on.
func (g *guesser) people() *Mapping {
	m := &Mapping{Fields: map[string]Field{"event": {Value: "identify"}}}
	g.take(m, "subject", "anonymous")
	timed(m)
	return g.rest(m)
}

func (g *guesser) items() *Mapping {
	m := &Mapping{Kind: KindItems, Fields: map[string]Field{}}
	g.take(m, "id", "title", "text", "category", "brand", "price", "cost", "currency", "stock", "image", "from", "to", "updated")
	return g.rest(m)
}

func (g *guesser) prices() *Mapping {
	m := &Mapping{Fields: map[string]Field{"event": {Value: "competitor_price"}}}
	g.take(m, "item", "competitor", "time", "price", "currency")
	timed(m)
	return g.rest(m)
}

// spend reads a day's spend: a row a channel, or a row with a column a channel.
func (g *guesser) spend() *Mapping {
	m := &Mapping{Fields: map[string]Field{"event": {Value: "media_spend"}}}
	g.take(m, "time")
	if g.column("channel") >= 0 || g.column("campaign") >= 0 {
		if g.column("spend") < 0 {
			return nil
		}
		g.take(m, "channel", "campaign", "creative", "price", "currency")
		return g.rest(m)
	}
	m.Wide = map[string]string{}
	for i, c := range g.columns {
		if channel, ok := spendColumn(g.names[i]); ok && !g.taken[c] && g.numeric(i) {
			m.Wide[c] = channel
			g.taken[c] = true
		}
	}
	if len(m.Wide) == 0 {
		return nil
	}
	g.take(m, "currency")
	return m
}

// spendColumn returns the channel that a column's name says is paid: tv_S, search_spend, cost_of_radio.
func spendColumn(name string) (channel string, ok bool) {
	for _, end := range []string{"_s", "_spend", "_cost", "_spent"} {
		if c, ok := strings.CutSuffix(name, end); ok && c != "" {
			return c, true
		}
	}
	for _, begin := range []string{"spend_on_", "spend_", "cost_of_", "cost_"} {
		if c, ok := strings.CutPrefix(name, begin); ok && c != "" {
			return c, true
		}
	}
	return "", false
}

// global reports whether a column holds ids that no other table has: long ones, not plain numbers.
func (g *guesser) global(column int) bool {
	for _, r := range g.rows {
		if column < len(r) && (len(r[column]) < 16 || allDigits(r[column])) {
			return false
		}
	}
	return g.names[column] != "id" || len(g.rows) > 0
}

func (g *guesser) numeric(column int) bool {
	for _, r := range g.rows {
		if column < len(r) && strings.TrimSpace(r[column]) != "" {
			if _, err := strconv.ParseFloat(plainNumber(r[column]), 64); err != nil {
				return false
			}
		}
	}
	return true
}
