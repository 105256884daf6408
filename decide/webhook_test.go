package decide

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var secret = []byte("a secret of enough length")

func TestWebhookSignsAndRetries(t *testing.T) {
	answers := []int{503, 429, 200}
	var keys []string
	var body webhookBody
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		if err := Verify(secret, data, r.Header.Get(SignatureHeader), epoch, time.Minute); err != nil {
			t.Error(err)
		}
		if err := json.Unmarshal(data, &body); err != nil {
			t.Error(err)
		}
		if answers[len(keys)] == 429 {
			w.Header().Set("Retry-After", "7")
		}
		w.WriteHeader(answers[len(keys)])
		keys = append(keys, r.Header.Get(IdempotencyHeader))
	}))
	defer server.Close()
	var waits []time.Duration
	hook, err := NewWebhook(server.URL, secret, WebhookOptions{
		Clock: fixedClock,
		Wait:  func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := hook.Act(context.Background(), message("d1", "ann")); err != nil {
		t.Fatal(err)
	}
	if strings.Join(keys, " ") != "d1 d1 d1" {
		t.Errorf("idempotency keys %v", keys)
	}
	if len(waits) != 2 || waits[0] != 500*time.Millisecond || waits[1] != 7*time.Second {
		t.Errorf("waits %v", waits)
	}
	if body.Type != "message" || body.Decision != "d1" || body.Subject != "ann" || body.Actions[0] != "send" || body.Address != "ann@example.org" {
		t.Errorf("%+v", body)
	}
}

func TestWebhookFailures(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	for _, c := range []struct {
		name         string
		code, calls  int
		notDelivered bool
	}{
		{"gone", 410, 1, true},
		{"redirect", 307, 1, true},
		{"down", 500, 3, false}, // it may have acted before it failed
	} {
		calls := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls++
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(c.code)
		}))
		hook, err := NewWebhook(server.URL, secret, WebhookOptions{Attempts: 3, Wait: func(context.Context, time.Duration) error { return nil }})
		if err != nil {
			t.Fatal(err)
		}
		err = hook.Act(context.Background(), message("d1", "ann"))
		if err == nil || errors.Is(err, ErrNotDelivered) != c.notDelivered || calls != c.calls {
			t.Errorf("%s: %d calls, %v", c.name, calls, err)
		}
		server.Close()
	}
	hook, err := NewWebhook("http://127.0.0.1:1/", secret, WebhookOptions{Backoff: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := hook.Act(ctx, message("d1", "ann")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the wait does not end with the context: %v", err)
	}
}

func TestWebhookSettings(t *testing.T) {
	for _, c := range []struct{ address, secret string }{
		{"ftp://example.org", string(secret)}, {"example.org/hook", string(secret)}, {"https://example.org", "short"},
	} {
		if _, err := NewWebhook(c.address, []byte(c.secret), WebhookOptions{}); err == nil {
			t.Errorf("%q with secret %q was accepted", c.address, c.secret)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	body := []byte(`{"a":1}`)
	header := Sign(secret, body, epoch)
	if err := Verify(secret, body, header, epoch.Add(time.Minute), 5*time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := Verify(secret, body, header+",v1=00", epoch, time.Minute); err != nil {
		t.Errorf("a second signature, of a secret being replaced, breaks the first: %v", err)
	}
	for name, err := range map[string]error{
		"changed body":    Verify(secret, []byte(`{"a":2}`), header, epoch, time.Minute),
		"other secret":    Verify([]byte("another secret, long too"), body, header, epoch, time.Minute),
		"old":             Verify(secret, body, header, epoch.Add(time.Hour), time.Minute),
		"from the future": Verify(secret, body, header, epoch.Add(-time.Hour), time.Minute),
		"moved in time":   Verify(secret, body, strings.Replace(header, "t=1", "t=2", 1), epoch, 100*365*24*time.Hour),
		"no signature":    Verify(secret, body, "t=1740830400", epoch, time.Minute),
		"empty":           Verify(secret, body, "", epoch, time.Minute),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSignatureVector is the example of docs/formats/webhook.md.
func TestSignatureVector(t *testing.T) {
	got := Sign([]byte("0123456789abcdef"), []byte(`{"type":"message"}`), time.Unix(1700000000, 0))
	const want = "t=1700000000,v1=470c04bbeffbc02dfd992680aee21872fc69a1cefa1797eb13a7d45bc14a6932"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte("body"), Sign(secret, []byte("body"), epoch))
	f.Add([]byte(""), "t=,v1=zz,,=")
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		if Verify([]byte("an unknown secret of length"), body, header, epoch, time.Hour) == nil {
			t.Error("a signature without the secret verifies")
		}
	})
}
