package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"bellwether"
	"bellwether/pipeline"
	"bellwether/serve"
)

// maxRequest bounds the body of a request that asks for a decision.
const maxRequest = 1 << 20

// recommendBody is the body of POST /v1/recommend.
type recommendBody struct {
	Subject   bellwether.Subject     `json:"subject"`
	Anonymous bellwether.AnonymousID `json:"anonymous"`
	Surface   bellwether.Surface     `json:"surface"`
	K         int                    `json:"k"`
	Key       string                 `json:"key"`
	Category  string                 `json:"category"`
	Exclude   string                 `json:"exclude"`
	History   []visitBody            `json:"history"`
	Preview   bool                   `json:"preview"`
	Holdout   *bool                  `json:"holdout"`
}

type visitBody struct {
	Item     bellwether.ItemID     `json:"item"`
	Type     bellwether.EventType  `json:"type"`
	Channel  bellwether.Channel    `json:"channel,omitempty"`
	Campaign bellwether.CampaignID `json:"campaign,omitempty"`
	Quantity int32                 `json:"quantity,omitempty"`
	Price    int64                 `json:"price,omitempty" doc:"Of one piece, in minor units of the project's currency."`
	Time     time.Time             `json:"time"`
	Decision bellwether.DecisionID `json:"decision,omitempty" doc:"That this event answers."`
}

// slateBody is the answer to /v1/recommend.
type slateBody struct {
	Decision   bellwether.DecisionID   `json:"decision"`
	Subject    bellwether.Subject      `json:"subject"`
	Model      bellwether.ModelVersion `json:"model"`
	Policy     bellwether.PolicyID     `json:"policy"`
	Holdout    bool                    `json:"holdout"`
	Reason     string                  `json:"reason,omitempty"`
	Propensity float64                 `json:"propensity"` // of the slate in this order
	Items      []slateItem             `json:"items"`
}

type slateItem struct {
	Item       string  `json:"item"`
	Score      float64 `json:"score"`
	Propensity float64 `json:"propensity"` // of being drawn first
}

func (s *Server) recommend(w http.ResponseWriter, r *http.Request, e *pipeline.Engine) {
	start := time.Now()
	request, err := readRecommend(r)
	var answer pipeline.Answer
	if err == nil {
		answer, err = e.Recommend(r.Context(), request)
	}
	if err != nil {
		s.problem(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, slate(&answer))
	s.latency.WithLabelValues("recommend").Observe(time.Since(start).Seconds())
}

func slate(a *pipeline.Answer) slateBody {
	d := &a.Decision
	out := slateBody{
		Decision: d.ID, Subject: d.Subject, Model: d.Model, Policy: d.Policy, Holdout: d.Holdout, Reason: a.Reason,
		Propensity: d.Propensity, Items: make([]slateItem, len(d.Actions)),
	}
	for i, at := range d.Actions {
		c := d.Candidates[at]
		out.Items[i] = slateItem{Item: c.Action, Score: c.Score, Propensity: c.Propensity}
	}
	return out
}

func readRecommend(r *http.Request) (pipeline.RecommendRequest, error) {
	if r.Method == http.MethodGet {
		q := r.URL.Query()
		out := pipeline.RecommendRequest{
			Subject: bellwether.Subject(q.Get("subject")), Anonymous: bellwether.AnonymousID(q.Get("anonymous")),
			Surface: bellwether.Surface(q.Get("surface")), Key: q.Get("key"), Category: q.Get("category"), Exclude: q.Get("exclude"),
		}
		if k := q.Get("k"); k != "" {
			n, err := strconv.Atoi(k)
			if err != nil {
				return out, fmt.Errorf("%w: k is %q, not a whole number", pipeline.ErrBadRequest, k)
			}
			out.K = n
		}
		return out, checkK(out.K)
	}
	var b recommendBody
	if err := readJSON(r, &b); err != nil {
		return pipeline.RecommendRequest{}, err
	}
	out := pipeline.RecommendRequest{
		Subject: b.Subject, Anonymous: b.Anonymous, Surface: b.Surface, K: b.K, Key: b.Key,
		Category: b.Category, Exclude: b.Exclude, Preview: b.Preview, Holdout: b.Holdout,
	}
	if b.Holdout != nil && !b.Preview {
		return out, fmt.Errorf("%w: holdout can be set in a preview only", pipeline.ErrBadRequest)
	}
	out.History = visits(b.History)
	return out, checkK(out.K)
}

// visits is a history that a request brings; nil when it brings none.
func visits(body []visitBody) []serve.Visit {
	if body == nil {
		return nil
	}
	out := make([]serve.Visit, len(body))
	for i, v := range body {
		e := bellwether.Event{Type: v.Type, Decision: v.Decision}
		out[i] = serve.Visit{Item: v.Item, Type: v.Type, Channel: v.Channel, Campaign: v.Campaign, Quantity: v.Quantity, Price: v.Price, Time: v.Time, Prompted: e.Prompted()}
	}
	return out
}

func checkK(k int) error {
	if k < 0 || k > 1000 {
		return fmt.Errorf("%w: k is %d, outside 1–1000", pipeline.ErrBadRequest, k)
	}
	return nil
}

// readJSON decodes a body; an unreadable one is a bad request that names the byte where it broke.
func readJSON(r *http.Request, v any) error {
	data, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxRequest))
	if err != nil {
		return fmt.Errorf("%w: reading the body: %w", pipeline.ErrBadRequest, err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			return fmt.Errorf("%w: the body is not JSON from byte %d on: %w", pipeline.ErrBadRequest, syntax.Offset, err)
		case errors.As(err, &kind):
			return fmt.Errorf("%w: at byte %d of the body: %w", pipeline.ErrBadRequest, kind.Offset, err)
		}
		return fmt.Errorf("%w: the body: %w", pipeline.ErrBadRequest, err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	writeBody(w, v)
}

func writeBody(w io.Writer, v any) {
	_ = json.NewEncoder(w).Encode(v) // the connection is gone: nobody is left to tell
}
