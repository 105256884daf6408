package bellwether

import "time"

// Item is a thing that can be recommended, sold or advertised, valid over a span of time.
type Item struct {
	ID         ItemID            `json:"id"`
	Title      string            `json:"title,omitempty"`
	Text       string            `json:"text,omitempty"`
	Category   string            `json:"category,omitempty"`
	Brand      string            `json:"brand,omitempty"`
	Price      Money             `json:"price,omitzero"`
	Cost       Money             `json:"cost,omitzero"`   // of one piece: price − cost is margin
	Stock      *int64            `json:"stock,omitempty"` // pieces; nil means not tracked
	Attributes map[string]string `json:"attributes,omitempty"`
	Image      string            `json:"image,omitempty"`    // address
	Features   []float32         `json:"features,omitempty"` // content vector: text, image, audio
	From       time.Time         `json:"from,omitzero"`
	To         time.Time         `json:"to,omitzero"`
	Updated    time.Time         `json:"updated,omitzero"`
}

// Validate reports the first invalid field as a *FieldError.
func (i *Item) Validate() error {
	if err := checkID("id", i.ID); err != nil {
		return err
	}
	if err := i.Price.validate("price"); err != nil {
		return err
	}
	if err := i.Cost.validate("cost"); err != nil {
		return err
	}
	if !i.From.IsZero() && !i.To.IsZero() && i.To.Before(i.From) {
		return &FieldError{Field: "to", Reason: "is before from"}
	}
	for _, v := range i.Features {
		if !finite(float64(v)) {
			return &FieldError{Field: "features", Reason: "has a value that is not finite"}
		}
	}
	return nil
}
