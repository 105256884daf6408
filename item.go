package bellwether

import "time"

// Item is a thing that can be recommended, sold or advertised, valid over a span of time.
type Item struct {
	ID         ItemID            `json:"id" cbor:"1,keyasint,omitempty"`
	Title      string            `json:"title,omitempty" cbor:"2,keyasint,omitempty"`
	Text       string            `json:"text,omitempty" cbor:"3,keyasint,omitempty"`
	Category   string            `json:"category,omitempty" cbor:"4,keyasint,omitempty"`
	Brand      string            `json:"brand,omitempty" cbor:"5,keyasint,omitempty"`
	Price      Money             `json:"price,omitzero" cbor:"6,keyasint,omitzero"`
	Cost       Money             `json:"cost,omitzero" cbor:"7,keyasint,omitzero"`    // of one piece: price − cost is margin
	Stock      *int64            `json:"stock,omitempty" cbor:"8,keyasint,omitempty"` // pieces; nil means not tracked
	Attributes map[string]string `json:"attributes,omitempty" cbor:"9,keyasint,omitempty"`
	Image      string            `json:"image,omitempty" cbor:"10,keyasint,omitempty"`    // address
	Features   []float32         `json:"features,omitempty" cbor:"11,keyasint,omitempty"` // content vector: text, image, audio
	From       time.Time         `json:"from,omitzero" cbor:"12,keyasint,omitzero"`
	To         time.Time         `json:"to,omitzero" cbor:"13,keyasint,omitzero"`
	Updated    time.Time         `json:"updated,omitzero" cbor:"14,keyasint,omitzero"`
	Import     string            `json:"import,omitempty" cbor:"15,keyasint,omitempty"` // id of the import that brought it

	Unknown []byte `json:"-" cbor:"-"` // fields of a newer program, as they were stored
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
