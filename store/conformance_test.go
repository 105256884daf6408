package store_test

import (
	"testing"

	"bellwether/internal/storetest"
	"bellwether/store"

	"github.com/nats-io/nats-server/v2/server"
)

func TestEmbedded(t *testing.T) { storetest.Run(t, store.Options{}) }

func TestExternal(t *testing.T) {
	_, url := storetest.Server(t, t.TempDir(), server.RANDOM_PORT)
	storetest.Run(t, store.Options{URL: url})
}
