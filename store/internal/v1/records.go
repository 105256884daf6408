package v1

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"bellwether"
)

// Event reads b into e, which must be zero.
func Event(b []byte, e *bellwether.Event) error {
	return record(b, func(r *reader, n byte) bool {
		switch n {
		case 1:
			e.ID = text[bellwether.EventID](r)
		case 2:
			e.Type = text[bellwether.EventType](r)
		case 3:
			e.Occurred = r.time()
		case 4:
			e.Received = r.time()
		case 5:
			e.Subject = text[bellwether.Subject](r)
		case 6:
			e.Anonymous = text[bellwether.AnonymousID](r)
		case 7:
			e.Previous = text[string](r)
		case 8:
			e.Session = text[string](r)
		case 9:
			e.Item = text[bellwether.ItemID](r)
		case 10:
			e.Quantity = r.integer()
		case 11:
			e.Price = r.money()
		case 12:
			e.Value = r.float()
		case 13:
			e.Order = text[string](r)
		case 14:
			e.Position = int32(r.integer())
		case 15:
			e.Channel = text[bellwether.Channel](r)
		case 16:
			e.Campaign = text[bellwether.CampaignID](r)
		case 17:
			e.Creative = text[bellwether.CreativeID](r)
		case 18:
			e.Decision = text[bellwether.DecisionID](r)
		case 19:
			e.UserAgent = text[string](r)
		case 20:
			e.Consent = list(r, 1, text[bellwether.Purpose])
		case 21:
			e.Traits = mapping(r, (*reader).trait)
		case 22:
			e.Raw = r.raw()
		default:
			return false
		}
		return true
	})
}

// Item reads b into i, which must be zero.
func Item(b []byte, i *bellwether.Item) error {
	return record(b, func(r *reader, n byte) bool {
		switch n {
		case 1:
			i.ID = text[bellwether.ItemID](r)
		case 2:
			i.Title = text[string](r)
		case 3:
			i.Text = text[string](r)
		case 4:
			i.Category = text[string](r)
		case 5:
			i.Brand = text[string](r)
		case 6:
			i.Price = r.money()
		case 7:
			i.Cost = r.money()
		case 8:
			stock := r.integer()
			i.Stock = &stock
		case 9:
			i.Attributes = mapping(r, text[string])
		case 10:
			i.Image = text[string](r)
		case 11:
			i.Features = list(r, 4, func(r *reader) float32 {
				b := r.take(4)
				if b == nil {
					return 0
				}
				return math.Float32frombits(binary.LittleEndian.Uint32(b))
			})
		case 12:
			i.From = r.time()
		case 13:
			i.To = r.time()
		case 14:
			i.Updated = r.time()
		default:
			return false
		}
		return true
	})
}

// Decision reads b into d, which must be zero.
func Decision(b []byte, d *bellwether.Decision) error {
	return record(b, func(r *reader, n byte) bool {
		switch n {
		case 1:
			d.ID = text[bellwether.DecisionID](r)
		case 2:
			d.Time = r.time()
		case 3:
			d.Subject = text[bellwether.Subject](r)
		case 4:
			d.Surface = text[bellwether.Surface](r)
		case 5:
			d.Snapshot = text[string](r)
		case 6:
			d.Context = mapping(r, (*reader).float)
		case 7:
			d.Candidates = list(r, 17, candidate)
		case 8:
			d.Filters = list(r, 1, text[string])
		case 9:
			d.Slate = true
		case 10:
			d.Actions = list(r, 1, func(r *reader) int { return int(r.integer()) })
		case 11:
			d.Propensity = r.float()
		case 12:
			d.Policy = text[bellwether.PolicyID](r)
		case 13:
			d.Model = text[bellwether.ModelVersion](r)
		case 14:
			d.Seed = r.unsigned()
		case 15:
			d.Floor = r.float()
		case 16:
			d.Holdout = true
		case 17:
			d.Evaluable = true
		case 18:
			d.Arms = mapping(r, text[string])
		case 19:
			d.Multipliers = mapping(r, (*reader).float)
		case 20:
			d.Consent = list(r, 1, text[bellwether.Purpose])
		default:
			return false
		}
		return true
	})
}

func candidate(r *reader) bellwether.Candidate {
	action := text[string](r)
	score := r.float()
	return bellwether.Candidate{Action: action, Score: score, Propensity: r.float()}
}

// Rejected is a dead letter, with the numbers of its fields in format 2.
type Rejected struct {
	ID      string    `json:"id" cbor:"1,keyasint,omitempty"`
	Source  string    `json:"source" cbor:"2,keyasint,omitempty"`
	Line    int64     `json:"line" cbor:"3,keyasint,omitempty"`
	Reason  string    `json:"reason" cbor:"4,keyasint,omitempty"`
	Time    time.Time `json:"time" cbor:"5,keyasint,omitzero"`
	Raw     []byte    `json:"-" cbor:"6,keyasint,omitempty"`
	Format  string    `json:"format" cbor:"7,keyasint,omitempty"`
	Mapping string    `json:"mapping" cbor:"8,keyasint,omitempty"`
	Skew    int64     `json:"skew" cbor:"9,keyasint,omitempty"`
}

// Reject reads b, the length of a JSON document, the document and the message as it came, into r.
func Reject(b []byte, r *Rejected) error {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return errors.New("a dead letter that is cut off")
	}
	if err := json.Unmarshal(b[k:k+int(n)], r); err != nil {
		return fmt.Errorf("a dead letter: %w", err)
	}
	r.Raw = slices.Clone(b[k+int(n):])
	return nil
}
