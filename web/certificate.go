package web

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a pair of files that is read again when it changed: whoever renews it need not stop the server.
type certificate struct {
	file, key string
	clock     func() time.Time
	log       *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	changed time.Time
	looked  time.Time
}

// get returns the certificate. A new one that can't be read leaves the old one in service.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock()
	if c.pair != nil && now.Sub(c.looked) < time.Minute {
		return c.pair, nil
	}
	c.looked = now
	changed, err := c.read()
	if err != nil && c.pair == nil {
		return nil, fmt.Errorf("reading the TLS certificate %s: %w", c.file, err)
	}
	if err != nil {
		c.log.Error("the TLS certificate could not be read again; the old one stays", "file", c.file, "error", err)
		return c.pair, nil
	}
	if changed {
		c.log.Info("TLS certificate read", "file", c.file)
	}
	return c.pair, nil
}

func (c *certificate) read() (changed bool, err error) {
	info, err := os.Stat(c.file)
	if err != nil {
		return false, err
	}
	if c.pair != nil && info.ModTime().Equal(c.changed) {
		return false, nil
	}
	pair, err := tls.LoadX509KeyPair(c.file, c.key)
	if err != nil {
		return false, err
	}
	c.pair, c.changed = &pair, info.ModTime()
	return true, nil
}
