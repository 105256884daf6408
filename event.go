package bellwether

import (
	"encoding/json"
	"time"
)

// EventType is what happened. The names are GA4's for commerce; a name that is not in
// this list is kept as it came (snake_case) and is a custom event.
type EventType string

// The canonical types.
const (
	ViewItem       EventType = "view_item"
	ViewItemList   EventType = "view_item_list"
	SelectItem     EventType = "select_item" // a click on an item of a list or slate
	AddToCart      EventType = "add_to_cart"
	RemoveFromCart EventType = "remove_from_cart"
	AddToWishlist  EventType = "add_to_wishlist"
	BeginCheckout  EventType = "begin_checkout"
	Purchase       EventType = "purchase"
	Refund         EventType = "refund"
	Search         EventType = "search"
	PageView       EventType = "page_view"
	ScreenView     EventType = "screen_view"
	Engagement     EventType = "user_engagement" // Value holds seconds on the page
	Share          EventType = "share"
	Like           EventType = "like"
	Comment        EventType = "comment"
	Follow         EventType = "follow"
	Bookmark       EventType = "bookmark"
	Survey         EventType = "survey_response" // Value holds the answer, 0–10
	AdImpression   EventType = "ad_impression"
	AdClick        EventType = "ad_click"
	MessageSent    EventType = "message_sent" // an e-mail, push or webhook of a campaign
	MessageOpen    EventType = "message_open"
	MessageClick   EventType = "message_click"
	Identify       EventType = "identify" // Traits, and a link from Anonymous to Subject
	Alias          EventType = "alias"    // Previous becomes Subject
	Group          EventType = "group"

	// Market data: no person.
	MediaSpend      EventType = "media_spend"      // Price is the spend on Channel and Campaign on the day of Occurred
	CompetitorPrice EventType = "competitor_price" // Price of Item at the competitor in Traits["competitor"]

	// The system's own records.
	ModelPromoted EventType = "model_promoted" // Traits: application, model, previous, reason
	ModelShadowed EventType = "model_shadowed" // a trained model that was not promoted, and why
	TurnFailed    EventType = "turn_failed"    // Traits: step, error
)

// Event is one thing that happened, canonical and ready for the log. A message about
// several items (an order) becomes one event an item, whose ids share a stem.
type Event struct {
	ID        EventID         `json:"id" cbor:"1,keyasint,omitempty"`
	Type      EventType       `json:"type" cbor:"2,keyasint,omitempty"`
	Occurred  time.Time       `json:"occurred" cbor:"3,keyasint,omitzero"` // when it happened, the sender's clock skew corrected
	Received  time.Time       `json:"received" cbor:"4,keyasint,omitzero"` // when this program accepted it; features at time t use received ≤ t
	Subject   Subject         `json:"subject,omitempty" cbor:"5,keyasint,omitempty"`
	Anonymous AnonymousID     `json:"anonymous,omitempty" cbor:"6,keyasint,omitempty"`
	Previous  string          `json:"previous,omitempty" cbor:"7,keyasint,omitempty"` // alias: the id that Subject replaces
	Session   string          `json:"session,omitempty" cbor:"8,keyasint,omitempty"`
	Item      ItemID          `json:"item,omitempty" cbor:"9,keyasint,omitempty"`
	Quantity  int64           `json:"quantity,omitempty" cbor:"10,keyasint,omitempty"` // pieces; 0 means not said
	Price     Money           `json:"price,omitzero" cbor:"11,keyasint,omitzero"`      // of one piece
	Value     float64         `json:"value,omitempty" cbor:"12,keyasint,omitempty"`    // by type: seconds, rating, answer 0–10
	Order     string          `json:"order,omitempty" cbor:"13,keyasint,omitempty"`
	Position  int32           `json:"position,omitempty" cbor:"14,keyasint,omitempty"` // place in a list or slate, from 1
	Channel   Channel         `json:"channel,omitempty" cbor:"15,keyasint,omitempty"`
	Campaign  CampaignID      `json:"campaign,omitempty" cbor:"16,keyasint,omitempty"`
	Creative  CreativeID      `json:"creative,omitempty" cbor:"17,keyasint,omitempty"`
	Decision  DecisionID      `json:"decision,omitempty" cbor:"18,keyasint,omitempty"` // the decision that this event answers
	UserAgent string          `json:"user_agent,omitempty" cbor:"19,keyasint,omitempty"`
	Consent   []Purpose       `json:"consent,omitzero" cbor:"20,keyasint,omitzero"`
	Traits    map[string]any  `json:"traits,omitempty" cbor:"21,keyasint,omitempty"` // strings, numbers, booleans: traits of a person or further properties
	Raw       json.RawMessage `json:"raw,omitempty" cbor:"22,keyasint,omitempty"`    // the message as it came; on the first event of a message only
	Import    string          `json:"import,omitempty" cbor:"23,keyasint,omitempty"` // id of the import that brought it

	Unknown []byte `json:"-" cbor:"-"` // fields of a newer program, as they were stored
}

// Revenue returns price × quantity in minor units, a quantity that was not said counting as 1.
func (e *Event) Revenue() Money {
	q := e.Quantity
	if q == 0 {
		q = 1
	}
	return Money{Amount: e.Price.Amount * q, Currency: e.Price.Currency}
}

// Prompted reports whether e is a view or a click that answers a decision: it tells what was shown
// as much as what was wanted.
func (e *Event) Prompted() bool {
	return e.Decision != "" && (e.Type == ViewItem || e.Type == SelectItem)
}

// Personal reports whether events of this type are about a person and so must name one.
func (t EventType) Personal() bool {
	switch t {
	case MediaSpend, CompetitorPrice, ModelPromoted, ModelShadowed, TurnFailed:
		return false
	}
	return true
}

// Limits of an event.
const (
	MaxTraits       = 512
	MaxQuantity     = 1_000_000_000
	MaxPriceAmount  = 1_000_000_000_000_00 // minor units
	maxTypeLength   = 100
	maxStringLength = 8192
)

// Validate reports the first field that makes e unfit for the log, as a *FieldError.
func (e *Event) Validate() error {
	if err := checkID("id", e.ID); err != nil {
		return err
	}
	if err := e.checkType(); err != nil {
		return err
	}
	if e.Type.Personal() && e.Subject == "" && e.Anonymous == "" {
		return &FieldError{Field: "subject", Reason: "is empty and so is anonymous: an event needs a person"}
	}
	for _, err := range []error{
		checkOptionalID("subject", e.Subject),
		checkOptionalID("anonymous", e.Anonymous),
		checkOptionalID("previous", Subject(e.Previous)),
		checkOptionalID("session", Subject(e.Session)),
		checkOptionalID("item", e.Item),
		checkOptionalID("order", Subject(e.Order)),
		checkOptionalID("channel", e.Channel),
		checkOptionalID("campaign", e.Campaign),
		checkOptionalID("creative", e.Creative),
		checkOptionalID("decision", e.Decision),
		e.Price.validate("price"),
		checkTime("occurred", e.Occurred),
		checkTime("received", e.Received),
		e.checkNumbers(),
		e.checkTraits(),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}
