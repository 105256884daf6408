package collect

import (
	"fmt"
	"strconv"
	"strings"

	"bellwether"
)

// maxProducts is how many items one message may list.
const maxProducts = 500

// properties reads what a message says beyond its top level into its event.
type properties struct {
	event    *bellwether.Event
	currency bellwether.Currency // in force: the default, or the one that was read
	price    string              // of one piece, read once the currency is known
	total    string              // of an order without prices of its lines
	quantity pieces
	identify bool // every property is a trait of a person or group
	product  bool // it is a product of a message
	products [][]byte
}

// read fills the event from the text of an object; nil is an empty one.
func (p *properties) read(object []byte) error {
	if object == nil {
		return nil
	}
	t := p.event.Type
	p.identify = t == bellwether.Identify || t == bellwether.Group
	r := jsonReader{b: object}
	return r.object(func(key []byte) error {
		value, err := r.value()
		if err != nil || value[0] == 'n' {
			return err
		}
		if !p.identify {
			if known, err := p.known(string(key), value); known || err != nil {
				return err
			}
		}
		return p.trait(string(key), value)
	})
}

// known sets the field of the event that key stands for; GA4's and Segment's names are the same
// to it. It reports false for a further property.
func (p *properties) known(key string, value []byte) (bool, error) {
	e := p.event
	switch key {
	case "products", "items":
		return p.list(value)
	case "value", "revenue", "total":
		return p.amount(key, value)
	}
	text, ok := scalarText(value)
	if !ok {
		return false, nil
	}
	switch key {
	case "product_id", "productId", "item_id", "itemId", "item":
		e.Item = bellwether.ItemID(text)
	case "id":
		if !p.product {
			return false, nil
		}
		if e.Item == "" { // as the first version of Segment's specification has it
			e.Item = bellwether.ItemID(text)
		}
	case "sku":
		if e.Item == "" {
			e.Item = bellwether.ItemID(text)
		}
		return false, nil
	case "quantity":
		n, err := parsePieces(text, 0)
		if err != nil {
			return true, fmt.Errorf("quantity %w", err)
		}
		p.quantity = n
	case "price", "spend":
		p.price = text
	case "currency":
		if text != "" {
			c, err := currencyNamed(text, p.currency)
			if err != nil {
				return true, fmt.Errorf("currency %w", err)
			}
			p.currency = c
		}
	case "position", "index":
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return false, nil // "position": "top" is a property like any other
		}
		e.Position = int32(n)
	case "score", "answer", "rating":
		return p.number(text)
	default:
		return p.id(key, text), nil
	}
	return true, nil
}

// id sets the identifier that key stands for.
func (p *properties) id(key, text string) bool {
	e := p.event
	switch key {
	case "order_id", "orderId", "transaction_id":
		e.Order = text
	case "session_id", "sessionId", "session":
		e.Session = text
	case "channel":
		e.Channel = bellwether.Channel(text)
	case "campaign", "campaign_id":
		e.Campaign = bellwether.CampaignID(text)
	case "creative", "creative_id":
		e.Creative = bellwether.CreativeID(text)
	case "decision", "decision_id":
		e.Decision = bellwether.DecisionID(text)
	default:
		return false
	}
	return true
}

// list keeps the products of a message for events: of a list, of an object whose values they are (as PHP writes lists), or one alone.
func (p *properties) list(value []byte) (bool, error) {
	r := jsonReader{b: value}
	switch value[0] {
	case '[':
		return true, readMessages(&r, p.addProduct)
	case '{':
		values, objects := [][]byte(nil), true
		err := r.object(func([]byte) error {
			inner, err := r.value()
			if err == nil {
				values, objects = append(values, inner), objects && inner[0] == '{'
			}
			return err
		})
		if err != nil || len(values) == 0 {
			return true, err
		}
		if !objects {
			return true, p.addProduct(value)
		}
		for _, v := range values {
			if err := p.addProduct(v); err != nil {
				return true, err
			}
		}
		return true, nil
	}
	return true, fmt.Errorf("products is neither a list nor an object")
}

func (p *properties) addProduct(product []byte) error {
	if product[0] != '{' {
		return fmt.Errorf("products has an element that is not an object")
	}
	if len(p.products) == maxProducts {
		return fmt.Errorf("products has more than %d elements", maxProducts)
	}
	p.products = append(p.products, product)
	return nil
}

// amount reads what a message as a whole is worth. It stays a trait too, save for a plain value.
func (p *properties) amount(key string, value []byte) (bool, error) {
	text, ok := scalarText(value)
	if !ok {
		return false, nil
	}
	if p.total == "" || key == "revenue" {
		p.total = text
	}
	if key != "value" {
		return false, nil
	}
	return p.number(text)
}

// number sets the event's Value, if text is one.
func (p *properties) number(text string) (bool, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return false, nil
	}
	p.event.Value = v
	return true, nil
}

// trait keeps a further property; objects and arrays stay in Raw alone.
func (p *properties) trait(key string, value []byte) error {
	switch value[0] {
	case '{', '[', 'n':
		return nil
	case '"':
		setTrait(p.event, key, string(textBytes(value)))
	case 't', 'f':
		setTrait(p.event, key, value[0] == 't')
	default:
		v, err := numberTrait(string(value))
		if err != nil {
			return fmt.Errorf("%s is too large a number", clip(key))
		}
		setTrait(p.event, key, v)
	}
	return nil
}

// numberTrait is a JSON number as a trait: as text where it is whole and has more digits than a number of the program holds.
func numberTrait(text string) (any, error) {
	v, err := strconv.ParseFloat(text, 64)
	if len(text) > 15 && allDigits(strings.TrimPrefix(text, "-")) && strconv.FormatFloat(v, 'f', -1, 64) != text {
		return text, nil
	}
	return v, err
}

func setTrait(e *bellwether.Event, key string, value any) {
	if e.Traits == nil {
		e.Traits = make(map[string]any, 8)
	}
	e.Traits[key] = value
}

// events returns the event, or one for each product of the message.
func (p *properties) events() ([]bellwether.Event, error) {
	if len(p.products) == 0 {
		total := ""
		if p.sold() {
			total = p.total
		}
		if err := p.setPrice(total); err != nil {
			return nil, err
		}
		return []bellwether.Event{*p.event}, nil
	}
	events := make([]bellwether.Event, len(p.products))
	lines, priced := make([]pieces, len(p.products)), false
	for i, product := range p.products {
		events[i] = *p.event
		if i > 0 {
			events[i].ID = p.event.ID + bellwether.EventID("#"+strconv.Itoa(i+1))
			events[i].Traits, events[i].Value = nil, 0 // the order's own facts are on its first event, as Raw is
		}
		q := properties{event: &events[i], currency: p.currency, product: true}
		err := q.read(product)
		if err == nil {
			err = q.setPrice("")
		}
		if err != nil {
			return nil, fmt.Errorf("product %d: %w", i+1, err)
		}
		lines[i], priced = q.quantity, priced || !events[i].Price.IsZero()
	}
	if !priced && p.total != "" && p.sold() {
		return events, p.shareTotal(events, lines)
	}
	return events, nil
}

// sold reports an event whose total is money that changed hands.
func (p *properties) sold() bool {
	return p.event.Type == bellwether.Purchase || p.event.Type == bellwether.Refund
}

// shareTotal parts an order's total among its lines, which have no prices.
func (p *properties) shareTotal(events []bellwether.Event, lines []pieces) error {
	total, err := parseMoney(p.total, p.currency, 0)
	if err != nil {
		return fmt.Errorf("total %w", err)
	}
	for i, amount := range share(total.Amount, lines) {
		if err := setAmounts(&events[i], lines[i], bellwether.Money{}, bellwether.Money{Amount: amount, Currency: total.Currency}); err != nil {
			return err
		}
	}
	return nil
}

// setPrice sets the amounts of the event: by its price, or else by total.
func (p *properties) setPrice(total string) (err error) {
	var price, whole bellwether.Money
	if p.price != "" {
		if price, err = parseMoney(p.price, p.currency, 0); err != nil {
			return fmt.Errorf("price %w", err)
		}
	} else if total != "" {
		if whole, err = parseMoney(total, p.currency, 0); err != nil {
			return fmt.Errorf("total %w", err)
		}
	}
	return setAmounts(p.event, p.quantity, price, whole)
}

// context reads the parts of a message's context that an event has fields for.
func (p *properties) context(object []byte) error {
	if object == nil {
		return nil
	}
	r := jsonReader{b: object}
	return r.object(func(key []byte) error {
		value, err := r.value()
		if err != nil {
			return err
		}
		switch string(key) {
		case "userAgent":
			p.event.UserAgent, _ = scalarText(value)
		case "sessionId", "decision":
			text, _ := scalarText(value)
			p.id(string(key), text)
		case "campaign":
			return p.campaign(value)
		case "consent":
			return p.consent(value)
		}
		return nil
	})
}

// campaign reads Segment's context.campaign: the name, and the source (or medium) as channel.
func (p *properties) campaign(value []byte) error {
	return scalars(value, func(key, text string) {
		switch key {
		case "name":
			p.event.Campaign = bellwether.CampaignID(text)
		case "source":
			p.event.Channel = bellwether.Channel(text)
		case "medium":
			if p.event.Channel == "" {
				p.event.Channel = bellwether.Channel(text)
			}
		case "content":
			p.event.Creative = bellwether.CreativeID(text)
		}
	})
}

// consent reads context.consent.categoryPreferences: the purposes that were agreed to.
func (p *properties) consent(value []byte) error {
	if value[0] != '{' {
		return nil
	}
	r := jsonReader{b: value}
	return r.object(func(key []byte) error {
		inner, err := r.value()
		if err != nil || string(key) != "categoryPreferences" {
			return err
		}
		if inner[0] == '{' && p.event.Consent == nil {
			p.event.Consent = []bellwether.Purpose{} // asked, and agreed to nothing so far
		}
		return scalars(inner, func(purpose, text string) {
			if text == "true" {
				p.event.Consent = append(p.event.Consent, bellwether.Purpose(purpose))
			}
		})
	})
}

// scalars calls fn with each text, number and boolean of an object; another value has none.
func scalars(value []byte, fn func(key, text string)) error {
	if value[0] != '{' {
		return nil
	}
	r := jsonReader{b: value}
	return r.object(func(key []byte) error {
		inner, err := r.value()
		if err != nil {
			return err
		}
		if text, ok := scalarText(inner); ok {
			fn(string(key), text)
		}
		return nil
	})
}
