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
	"subject":    {"user_id", "userid", "subject", "customer_id", "customerid", "person_id", "personid", "member_id", "client_id", "reviewer_id", "visitor_id", "visitorid", "account_id", "buyer_id", "contact_id", "household_id", "user", "customer", "person", "visitor", "member", "uid", "cust_id", "distinct_id", "shopper_id", "subscriber_id", "lead_id"},
	"anonymous":  {"anonymous_id", "anonymous", "device_id", "cookie_id", "user_pseudo_id", "domain_userid", "visitor_cookie"},
	"item":       {"item_id", "itemid", "product_id", "productid", "content_id", "contentid", "article_id", "movie_id", "track_id", "song_id", "artist_id", "book_id", "news_id", "asin", "parent_asin", "isbn", "stock_code", "sku", "lineitem_sku", "lineitem_name", "item", "product", "article", "movie", "iid"},
	"event":      {"event_type", "event", "event_name", "action", "action_type", "behavior_type", "behavior", "behaviour", "interaction_type", "interaction", "activity", "feedback_type", "type"},
	"time":       {"occurred", "timestamp", "event_time", "event_timestamp", "datetime", "date_time", "time", "time_stamp", "collector_tstamp", "unix_time", "ts", "created_at", "order_date", "invoice_date", "invoicedate", "purchase_date", "transaction_date", "date", "day", "reporting_starts", "week", "month", "t"},
	"received":   {"received", "received_at"},
	"session":    {"session_id", "sessionid", "session", "user_session", "ga_session_id"},
	"quantity":   {"quantity", "qty", "pieces", "units", "lineitem_quantity", "number_of_items", "number_of_cds"},
	"price":      {"price", "unit_price", "unitprice", "item_price", "price_each", "lineitem_price", "item_cost"},
	"total":      {"total", "total_price", "order_total", "amount", "revenue", "dollar_value", "total_amount", "purchase_amount"},
	"value":      {"rating", "score", "stars", "value", "overall", "answer"},
	"currency":   {"currency", "currency_code"},
	"order":      {"order_id", "orderid", "order", "transaction_id", "transactionid", "invoice_no", "invoiceno", "invoice", "basket_id", "order_number"},
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
	"email":      {"email", "e_mail", "email_address", "customer_email", "billing_email", "mail"},
	"phone":      {"phone", "phone_number", "mobile", "mobile_phone", "telephone", "billing_phone"},
	"contact":    {"first_name", "last_name", "firstname", "lastname", "surname", "full_name", "birthday", "birth_date", "date_of_birth"},
	"known":      {"last_changed", "updated_at", "last_updated", "modified_at", "optin_time", "created_at", "signup_date", "registered_at", "date_joined", "subscribed_at"},
	"agreed":     {"consent", "marketing_consent", "email_consent", "email_marketing_consent", "accepts_marketing", "accepts_email_marketing", "opt_in", "optin", "email_opt_in", "newsletter", "subscribed", "gdpr", "gdpr_consent", "marketing_permissions", "email_permission"},
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
	m, _, err := guess(columns, rows, format)
	return m, err
}

// guess is Guess with what a person should know of it.
func guess(columns []string, rows [][]string, format string) (*Mapping, []string, error) {
	g := guesser{columns: columns, names: make([]string, len(columns)), rows: rows, taken: map[string]bool{}}
	for i, c := range columns {
		g.names[i] = snake(inner(c))
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
	case g.contacts() && !item && g.column("event") < 0 && g.column("order") < 0 && g.column("total") < 0 && g.column("price") < 0:
		m = g.people()
	case person && (item || timed || g.column("event") >= 0 || g.column("order") >= 0 || g.column("total") >= 0):
		m = g.events()
	case person:
		m = g.people()
	case g.column("email") >= 0 && item && (timed || g.column("order") >= 0 || slices.Contains(g.names, "lineitem_quantity")):
		m = g.events()
	case item && g.column("competitor") >= 0 && g.column("price") >= 0:
		m = g.prices()
	case g.column("title") >= 0 && (item || g.column("id") >= 0):
		m = g.items()
	case timed:
		m = g.spend()
	}
	if m == nil || len(m.Fields) == 0 {
		return nil, nil, fmt.Errorf("%w: the names of the columns do not tell what a row is about; write a mapping for --map; the columns are %s", ErrMapping, list(columns))
	}
	if _, ok := m.Fields["time"]; !ok && m.Kind != KindItems {
		return nil, nil, fmt.Errorf("%w: no column looks like the time of an event; write a mapping for --map, with \"time: {value: now}\" if none says it; the columns are %s", ErrMapping, list(columns))
	}
	return m, append([]string{took(m)}, g.notes...), nil
}

// took says what the rows were taken for, and what else they might be.
func took(m *Mapping) string {
	switch event := m.Fields["event"].Value; {
	case m.Kind == KindItems:
		return "taken for a catalogue, an item a row; if the rows are people, a mapping says so (event: {value: identify}, subject: …)"
	case event == "identify":
		return "taken for a table of people, a person a row; if the rows are things that are sold, --format items reads a catalogue"
	case event == "media_spend":
		return "taken for spend on media; if people did something in it, a mapping says so"
	case event == "competitor_price":
		return "taken for prices of competitors; if the rows are your own items, --format items reads a catalogue"
	case event == "":
		return "taken for events, of the kind that a column says"
	default:
		return fmt.Sprintf("taken for events that are all %q; if they are something else, a mapping says so (event: {value: …})", event)
	}
}

// inner is the name of a column without the objects around it that say nothing.
func inner(column string) string {
	for _, around := range []string{"properties.", "event_properties.", "context.", "ecommerce."} {
		column = strings.TrimPrefix(column, around)
	}
	return column
}

// contacts reports columns that describe people: how to reach them, or their names, and nothing that is sold.
func (g *guesser) contacts() bool {
	return g.column("email") >= 0 || g.column("phone") >= 0 || g.column("contact") >= 0
}

// guesser fills one mapping.
type guesser struct {
	columns, names []string
	rows           [][]string
	taken          map[string]bool // columns that are used
	notes          []string        // on what was not certain
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
	reads := func(format string) (n int) {
		parse, _ := timeParser(format)
		for _, r := range g.rows {
			if column < len(r) {
				if _, err := parse(strings.TrimSpace(r[column])); err == nil {
					n++
				}
			}
		}
		return n
	}
	best, most := "", reads("")
	all := 0
	for _, r := range g.rows {
		if column < len(r) && strings.TrimSpace(r[column]) != "" {
			all++
		}
	}
	for _, format := range timeFormats {
		if most == all {
			break
		}
		if n := reads(format); n > most {
			best, most = format, n
		}
	}
	if swapped, ok := strings.CutPrefix(best, "%d/%m/"); ok && most == all && reads("%m/%d/"+swapped) == all { // either may be the month
		if !g.padded(column) {
			best = "%m/%d/" + swapped
		}
		g.notes = append(g.notes, fmt.Sprintf("days and months of %q can't be told apart in the first rows: they are read as %q; a mapping can say another format", clip(g.columns[column]), best))
	}
	return best
}

// padded reports whether no day or month between slashes lacks its zero: who writes 1/31/2024 puts the month first.
func (g *guesser) padded(column int) bool {
	for _, r := range g.rows {
		if column >= len(r) {
			continue
		}
		parts := strings.SplitN(strings.TrimSpace(r[column]), "/", 3)
		if len(parts) == 3 && (len(parts[0]) == 1 || len(parts[1]) == 1) {
			return false
		}
	}
	return true
}

// rest keeps the columns that no field took as traits.
func (g *guesser) rest(m *Mapping) *Mapping {
	const most = 200
	for _, c := range g.columns {
		if !g.taken[c] && len(m.Traits) < most && !strings.HasPrefix(c, "between") {
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
	if g.column("subject") < 0 && g.column("anonymous") < 0 { // orders of shops know an address
		at := g.columns[g.column("email")]
		m.Fields["subject"], g.taken[at] = Field{Column: at}, true
		if i := slices.Index(g.names, "lineitem_quantity"); i >= 0 && g.column("order") < 0 {
			if at := slices.Index(g.names, "name"); at >= 0 { // Shopify calls the order's number so
				m.Fields["order"] = Field{Column: g.columns[at]}
				g.taken[g.columns[at]] = true
			}
		}
	}
	g.take(m, "subject", "anonymous", "item", "event", "time", "received", "session", "quantity", "price")
	if g.ofLine("total") {
		g.take(m, "total")
	}
	if g.own() {
		g.ownExport(m)
	}
	g.take(m, "value", "currency", "order", "position", "channel", "campaign", "creative", "decision", "user_agent", "consent", "id")
	if _, ok := m.Fields["event"]; !ok {
		m.Fields["event"] = Field{Value: g.eventOf(m)}
	}
	return g.rest(m)
}

// own reports whether the table is an export of this program.
func (g *guesser) own() bool {
	for _, name := range []string{"id", "type", "occurred", "received", "subject"} {
		if !slices.Contains(g.names, name) {
			return false
		}
	}
	return true
}

// ownExport reads what the program's own export has: ids that are its own, devices as "~" and their id, traits as an object.
func (g *guesser) ownExport(m *Mapping) {
	m.Fields["id"] = Field{Column: g.columns[slices.Index(g.names, "id")]}
	g.taken[m.Fields["id"].Column] = true
	if f, ok := m.Fields["subject"]; ok {
		f.Format = formatName
		m.Fields["subject"] = f
	}
	for _, name := range []string{"traits", "previous"} {
		if i := slices.Index(g.names, name); i >= 0 {
			m.Fields[name] = Field{Column: g.columns[i]}
			g.taken[g.columns[i]] = true
		}
	}
	if i := slices.Index(g.names, "identity"); i >= 0 {
		g.taken[g.columns[i]] = true // follows from the others
	}
}

// ofLine reports whether a column of amounts is of the line that it stands in: not where an order of several lines repeats it.
func (g *guesser) ofLine(field string) bool {
	order, at := g.column("order"), g.column(field)
	if order < 0 || at < 0 || !slices.Contains([]string{"order_total", "total", "total_amount", "revenue"}, g.names[at]) {
		return true
	}
	seen := map[string]int{}
	repeated, same := 0, 0
	for _, r := range g.rows {
		if order >= len(r) || at >= len(r) || r[order] == "" {
			continue
		}
		if seen[r[order]]++; seen[r[order]] > 1 {
			repeated++
		}
		if seen[r[order]+"\x00"+r[at]]++; seen[r[order]+"\x00"+r[at]] > 1 {
			same++
		}
	}
	return repeated == 0 || same < repeated
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

// people reads a table of people: traits that are known from when the row says that it was written, or from now on.
func (g *guesser) people() *Mapping {
	m := &Mapping{Fields: map[string]Field{"event": {Value: "identify"}}}
	g.take(m, "subject", "anonymous")
	_, known := m.Fields["subject"]
	if _, device := m.Fields["anonymous"]; !known && !device {
		if i := slices.Index(g.names, "id"); i >= 0 {
			m.Fields["subject"] = Field{Column: g.columns[i]}
			g.taken[g.columns[i]] = true
		} else if i := g.column("email"); i >= 0 {
			m.Fields["subject"] = Field{Column: g.columns[i]} // the address is a trait too
		}
	}
	g.take(m, "email", "phone")
	if i := g.column("known"); i >= 0 && g.dated(i) {
		m.Fields["time"] = Field{Column: g.columns[i], Format: g.format("time", i)}
		g.taken[g.columns[i]] = true
	}
	g.agreed(m)
	timed(m)
	return g.rest(m)
}

// agreed reads a column that says yes or no to a purpose.
func (g *guesser) agreed(m *Mapping) {
	i := g.column("agreed")
	if i < 0 {
		return
	}
	said := 0
	for _, r := range g.rows {
		if i >= len(r) || strings.TrimSpace(r[i]) == "" {
			continue
		}
		if _, known := yesOrNo(r[i]); !known {
			if g.names[i] == "consent" {
				g.take(m, "consent") // purposes
			}
			return
		}
		said++
	}
	if said > 0 {
		m.Fields["consent"] = Field{Column: g.columns[i], Format: formatYesNo}
		g.taken[g.columns[i]] = true
	}
}

// dated reports a column whose values are times, where it has some.
func (g *guesser) dated(column int) bool {
	parse, _ := timeParser(g.format("time", column)) // a format of its own
	for _, r := range g.rows {
		if column < len(r) && strings.TrimSpace(r[column]) != "" {
			_, err := parse(strings.TrimSpace(r[column]))
			return err == nil
		}
	}
	return false
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
		g.platform(m)
		if _, ok := m.Fields["price"]; !ok && g.column("spend") < 0 {
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

// platform reads what the reports of Meta and of Google Ads leave to their names: the channel, and the currency of "Amount spent (EUR)".
func (g *guesser) platform(m *Mapping) {
	if g.column("channel") >= 0 {
		return
	}
	for i, name := range g.names {
		if c, ok := strings.CutPrefix(name, "amount_spent_"); ok && iso4217[strings.ToUpper(c)] {
			m.Fields["price"] = Field{Column: g.columns[i]}
			m.Fields["currency"] = Field{Value: strings.ToUpper(c)}
			g.taken[g.columns[i]] = true
		}
	}
	switch {
	case m.Fields["price"].Column != "" || slices.Contains(g.names, "amount_spent"):
		m.Fields["channel"] = Field{Value: "meta"}
	case slices.Contains(g.names, "clicks") || slices.Contains(g.names, "impr") || slices.Contains(g.names, "avg_cpc"):
		m.Fields["channel"] = Field{Value: "google"}
	}
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
			if _, err := strconv.ParseFloat(plainNumber(r[column], 0, 2), 64); err != nil {
				return false
			}
		}
	}
	return true
}
