package bellwether

import (
	"math"
	"time"
)

// examples returns a full example of each record.
func examples() map[string]any {
	return map[string]any{
		"event": exampleEvent(), "item": exampleItem(), "profile": exampleProfile(), "decision": exampleDecision(),
		"outcome": exampleOutcome(), "prediction": examplePrediction(),
	}
}

func moments(n int) time.Time {
	return time.Date(2026, 3, 14, 15, 9, 26, 535_897_932, time.UTC).Add(time.Duration(n) * time.Hour)
}

func exampleEvent() *Event {
	return &Event{
		ID: "m-1/0", Type: Purchase, Occurred: moments(0), Received: moments(1), Subject: "ana", Anonymous: "browser-7",
		Previous: "former", Session: "s-1", Item: "tea-250", Quantity: 2, Price: Money{Amount: 1999, Currency: "EUR"},
		Value: 4.5, Order: "o-9", Position: 3, Channel: "email", Campaign: "spring", Creative: "title-2",
		Decision: "d-1", UserAgent: "Mozilla/5.0", Consent: []Purpose{"analytics", "personalisation"},
		Traits: map[string]any{"age": 41.0, "city": "Köln", "member": true, "gone": false, "none": nil},
		Raw:    []byte(`{"messageId":"m-1"}`), Import: "t-1",
	}
}

func exampleItem() *Item {
	stock := int64(12)
	return &Item{
		ID: "tea-250", Title: "Green tea", Text: "250 g of leaves", Category: "tea", Brand: "Leaf",
		Price: Money{Amount: 1999, Currency: "EUR"}, Cost: Money{Amount: 900, Currency: "EUR"}, Stock: &stock,
		Attributes: map[string]string{"origin": "Japan", "organic": "yes"}, Image: "https://example.com/tea.png",
		Features: []float32{.5, -1.25}, From: moments(0), To: moments(1000), Updated: moments(2), Import: "t-2",
	}
}

func exampleProfile() *Profile {
	recent := *exampleEvent()
	recent.Raw = nil
	return &Profile{
		Subject: "ana", Links: []Link{{ID: "browser-7", Since: moments(-3), Event: "m-0"}},
		Traits: map[string]any{"city": "Köln"}, Snapshot: "f-12", Consent: []Purpose{"analytics"}, Bucket: 4711,
		FirstSeen: moments(-9), LastSeen: moments(1), Recent: []Event{recent},
	}
}

func exampleDecision() *Decision {
	return &Decision{
		ID: "d-1", Time: moments(0), Subject: "ana", Surface: "home", Snapshot: "f-12",
		Context: map[string]float64{"hour": 15}, Candidates: []Candidate{{"tea-250", 2.5, .5}, {"cup", 1, .3}, {"tin", 0, .2}},
		Filters: []string{"seen:12"}, Slate: true, Actions: []int{1, 0}, Propensity: .3 * .5 / .7, LogPropensity: math.Log(.3 * .5 / .7), Policy: "softmax/1",
		Model: "recommend-000003", Seed: math.MaxUint64, Floor: .02, Holdout: true, Evaluable: true,
		Arms: map[string]string{"layout": "b"}, Multipliers: map[string]float64{"email": .25}, Consent: []Purpose{"analytics"},
	}
}

func exampleOutcome() *Outcome {
	return &Outcome{
		Decision: "d-1", Time: moments(0), Subject: "ana", Surface: "home", Policy: "softmax/1", Model: "recommend-000003",
		Holdout: true, Slate: true, Evaluable: true, Actions: []string{"tin", "cup"},
		Exposed: moments(0), Rewards: map[string]float64{"click": 1, "revenue": 39.98}, Positions: map[string][]float64{"click": {0, 1}},
		Rule: "click 7d, view 1d", Matured: true, Events: []EventID{"m-1/0"},
	}
}

func examplePrediction() *Prediction {
	p := 0.0
	return &Prediction{
		Subject: "ana", Application: "recommend", Model: "popularity", Time: moments(0),
		Scores: []ScoredItem{{"cup", 1.5}, {"tin", -.5}}, Probability: &p, Reason: "no history",
	}
}
