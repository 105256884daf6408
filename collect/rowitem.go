package collect

import (
	"fmt"

	"bellwether"
)

// item reads the fields and attributes of a row of a catalogue.
func (r *rowReader) item(values []string) (*bellwether.Item, error) {
	item := &bellwether.Item{Updated: r.now}
	for i := range r.fields {
		f := &r.fields[i]
		text := f.text(values)
		if text == "" || f.name == "currency" {
			continue
		}
		if err := r.setItem(item, f, text, values); err != nil {
			return nil, fmt.Errorf("%s %w", f.name, err)
		}
	}
	for i := range r.traits {
		if text := r.traits[i].text(values); text != "" {
			if item.Attributes == nil {
				item.Attributes = make(map[string]string, len(r.traits))
			}
			item.Attributes[r.traits[i].name] = text
		}
	}
	return item, nil
}

func (r *rowReader) setItem(item *bellwether.Item, f *boundField, text string, values []string) (err error) {
	switch f.name {
	case "id":
		item.ID = bellwether.ItemID(text)
	case "title":
		item.Title = text
	case "text":
		item.Text = text
	case "category":
		item.Category = text
	case "brand":
		item.Brand = text
	case "image":
		item.Image = text
	case "price":
		item.Price, err = r.money(f, text, values)
	case "cost":
		item.Cost, err = r.money(f, text, values)
	case "stock":
		var n int64
		n, err = parseDecimal(text, 0, f.mark)
		item.Stock = &n
	case "from":
		item.From, err = r.time(f, text)
	case "to":
		item.To, err = r.time(f, text)
	case "updated":
		item.Updated, err = r.time(f, text)
	}
	return err
}
