package decide

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"bellwether"
)

// Headers of a webhook; docs/formats/webhook.md describes the format.
const (
	SignatureHeader   = "Bellwether-Signature"
	IdempotencyHeader = "Idempotency-Key"
)

// ErrSignature means that a webhook's signature is missing, wrong or too old.
var ErrSignature = errors.New("webhook signature does not verify")

// WebhookOptions configure a [Webhook]; the zero value works.
type WebhookOptions struct {
	Channel  bellwether.Channel                         // "": "webhook"
	Client   *http.Client                               // nil: one with a timeout of 10 s
	Clock    func() time.Time                           // nil: time.Now
	Attempts int                                        // 0: 5
	Backoff  time.Duration                              // before the second attempt, doubling; 0: 500 ms
	Wait     func(context.Context, time.Duration) error // nil: sleeps
}

// Webhook posts each message as signed JSON to one address.
type Webhook struct {
	url    string
	secret []byte
	o      WebhookOptions
}

// NewWebhook returns an actor that posts to address, signing with secret.
func NewWebhook(address string, secret []byte, o WebhookOptions) (*Webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("webhook address %q is not an http or https URL", address)
	}
	if len(secret) < 16 {
		return nil, errors.New("the webhook's secret is shorter than 16 bytes; make a longer one")
	}
	if o.Channel == "" {
		o.Channel = "webhook"
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Attempts <= 0 {
		o.Attempts = 5
	}
	if o.Backoff <= 0 {
		o.Backoff = 500 * time.Millisecond
	}
	if o.Wait == nil {
		o.Wait = sleep
	}
	client := *o.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a signed body goes nowhere else
	o.Client = &client
	return &Webhook{url: address, secret: secret, o: o}, nil
}

// Channel implements [Actor].
func (w *Webhook) Channel() bellwether.Channel { return w.o.Channel }

// webhookBody is the JSON that is posted.
type webhookBody struct {
	Type     string                `json:"type"` // "message"
	Decision bellwether.DecisionID `json:"decision"`
	Decided  time.Time             `json:"decided"`
	Subject  bellwether.Subject    `json:"subject"`
	Address  string                `json:"address"`
	Actions  []string              `json:"actions"`
	Policy   bellwether.PolicyID   `json:"policy"`
	Campaign bellwether.CampaignID `json:"campaign,omitempty"`
	Creative bellwether.CreativeID `json:"creative,omitempty"`
	Title    string                `json:"title,omitempty"`
	Text     string                `json:"text,omitempty"`
	HTML     string                `json:"html,omitempty"`
}

// Act posts m, retrying what may pass: no connection, 408, 425, 429 and 5xx, after a wait that doubles
// or the answer's Retry-After. Each attempt carries the same Idempotency-Key and a fresh timestamp.
func (w *Webhook) Act(ctx context.Context, m Message) error {
	body, err := json.Marshal(webhookBody{
		Type: "message", Decision: m.Decision.ID, Decided: m.Decision.Time, Subject: m.Decision.Subject, Address: m.Address,
		Actions: m.Decision.Chosen(), Policy: m.Decision.Policy, Campaign: m.Campaign, Creative: m.Creative,
		Title: m.Title, Text: m.Text, HTML: m.HTML,
	})
	if err != nil {
		return fmt.Errorf("encode the webhook: %w: %w", ErrNotDelivered, err)
	}
	for attempt := 1; ; attempt++ {
		again, after, err := w.post(ctx, string(m.Decision.ID), body)
		if err == nil || !again {
			return err
		}
		if attempt == w.o.Attempts {
			return fmt.Errorf("webhook gave up after %d attempts: %w", attempt, err)
		}
		if waitErr := w.o.Wait(ctx, max(w.o.Backoff<<(attempt-1), after)); waitErr != nil {
			return fmt.Errorf("webhook interrupted: %w (last attempt: %w)", waitErr, err)
		}
	}
}

// post makes one attempt; again says whether another may succeed, not before after.
func (w *Webhook) post(ctx context.Context, key string, body []byte) (again bool, after time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return false, 0, fmt.Errorf("%w: %w", ErrNotDelivered, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(IdempotencyHeader, key)
	r.Header.Set(SignatureHeader, Sign(w.secret, body, w.o.Clock()))
	answer, err := w.o.Client.Do(r)
	if err != nil {
		return ctx.Err() == nil, 0, fmt.Errorf("post the webhook: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // lets the connection be used again
	switch code := answer.StatusCode; {
	case code/100 == 2:
		return false, 0, nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return true, retryAfter(answer.Header), fmt.Errorf("webhook answered %s", answer.Status)
	default:
		return false, 0, fmt.Errorf("webhook answered %s: %w", answer.Status, ErrNotDelivered)
	}
}

// retryAfter reads the header's seconds, at most an hour.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseInt(h.Get("Retry-After"), 10, 64)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Sign returns the signature header of body at t: "t=SECONDS,v1=HEX", where HEX is the
// HMAC-SHA256 of "SECONDS.body" under secret.
func Sign(secret, body []byte, t time.Time) string {
	stamp := strconv.FormatInt(t.Unix(), 10)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(signature(secret, stamp, body))
}

func signature(secret []byte, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Verify checks a signature header against the body as it was received. A timestamp further than
// tolerance from now is refused, so that a recorded request cannot be played again later.
func Verify(secret, body []byte, header string, now time.Time, tolerance time.Duration) error {
	stamp, given := "", [][]byte(nil)
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			stamp = value
		case "v1":
			if sum, err := hex.DecodeString(value); err == nil {
				given = append(given, sum)
			}
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: no timestamp in %q", ErrSignature, header)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("%w: its timestamp is %s off", ErrSignature, age.Round(time.Second))
	}
	want := signature(secret, stamp, body)
	for _, sum := range given {
		if hmac.Equal(sum, want) {
			return nil
		}
	}
	return fmt.Errorf("%w: no v1 matches the body", ErrSignature)
}
