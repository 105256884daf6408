package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// caller speaks to the server.
type caller struct {
	http *http.Client
	url  string
	key  string
}

// patience is how often a request that was told to come later is repeated.
const patience = 20

// call sends a request (a nil body is a GET) and decodes its JSON answer into out, if it is not nil. It comes
// back when the server is overloaded (429, 503), after the time that Retry-After names.
func (c *caller) call(ctx context.Context, path string, body, out any) error {
	method, data := http.MethodGet, []byte(nil)
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encoding the body of %s: %w", path, err)
		}
		method = http.MethodPost
	}
	for try := 0; ; try++ {
		wait, err := c.once(ctx, method, path, data, out)
		if wait == 0 || try == patience {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// once is one try. A positive wait says that another may succeed after it.
func (c *caller) once(ctx context.Context, method, path string, data []byte, out any) (wait time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(data))
	if err != nil {
		return 0, fmt.Errorf("making the request of %s: %w", path, err)
	}
	r.SetBasicAuth(c.key, "")
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, fmt.Errorf("asking %s: %w", path, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, fmt.Errorf("reading the answer of %s: %w", path, err)
	}
	if answer.StatusCode/100 != 2 {
		err := fmt.Errorf("%s %s answered %d: %.300s", method, path, answer.StatusCode, text)
		if answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusServiceUnavailable {
			seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
			return max(100*time.Millisecond, time.Duration(min(seconds, 5))*time.Second), err
		}
		return 0, err
	}
	if out == nil {
		return 0, nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return 0, fmt.Errorf("the answer of %s is not as agreed: %w", path, err)
	}
	return 0, nil
}
