package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	"bellwether"
	"bellwether/store"
)

// Role says what a key opens.
type Role string

// The roles. An admin key opens everything that a write key does.
const (
	Write Role = "write" // collect, recommend, decide, predict
	Admin Role = "admin"
)

// Grant is what a key stands for.
type Grant struct {
	Project bellwether.ProjectID
	Role    Role
}

// Keys knows the keys of every project by their SHA-256: the keys themselves are kept nowhere.
type Keys struct {
	mu     sync.RWMutex
	grants map[string]Grant // by hex of the key's SHA-256
}

const keyPrefix = "keys."

// LoadKeys reads the keys of every project in st.
func LoadKeys(ctx context.Context, st *store.Store) (*Keys, error) {
	k := &Keys{grants: make(map[string]Grant)}
	ids, err := st.Projects(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing projects: %w", err)
	}
	for _, id := range ids {
		p, err := st.Project(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("opening project %s: %w", id, err)
		}
		names, err := p.KV.Keys(ctx, keyPrefix)
		if err != nil {
			return nil, fmt.Errorf("listing the keys of %s: %w", id, err)
		}
		for _, n := range names {
			e, err := p.KV.Get(ctx, n)
			if err != nil {
				return nil, fmt.Errorf("reading a key of %s: %w", id, err)
			}
			k.grants[strings.TrimPrefix(n, keyPrefix)] = Grant{Project: id, Role: Role(e.Value)}
		}
	}
	return k, nil
}

// Create makes a key for a project and returns it; it cannot be read again.
func (k *Keys) Create(ctx context.Context, p *store.Project, role Role) (string, error) {
	key := "bw_" + string(role) + "_" + strings.ToLower(rand.Text())
	hash := digest(key)
	if _, err := p.KV.Create(ctx, keyPrefix+hash, []byte(role)); err != nil {
		return "", fmt.Errorf("storing a key of %s: %w", p.ID, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.grants[hash] = Grant{Project: p.ID, Role: role}
	return key, nil
}

// ErrNoKey is returned by Revoke for a key that is not known.
var ErrNoKey = errors.New("no such key")

// Revoke makes a key worthless from now on.
func (k *Keys) Revoke(ctx context.Context, st *store.Store, key string) error {
	g, known := k.Find(key)
	if !known {
		return ErrNoKey
	}
	p, err := st.Project(ctx, g.Project)
	if err != nil {
		return fmt.Errorf("opening project %s: %w", g.Project, err)
	}
	if err := p.KV.Delete(ctx, keyPrefix+digest(key)); err != nil {
		return fmt.Errorf("deleting a key of %s: %w", g.Project, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.grants, digest(key))
	return nil
}

// Find returns what key stands for. The look-up is by digest, so that its time tells nothing about the keys.
func (k *Keys) Find(key string) (Grant, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	g, known := k.grants[digest(key)]
	return g, known
}

// Of reports whether a project has any key.
func (k *Keys) Of(id bellwether.ProjectID) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, g := range k.grants {
		if g.Project == id {
			return true
		}
	}
	return false
}

func digest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
