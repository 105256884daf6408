package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bellwether"
	"bellwether/store"
)

// Key is what is known of a key. The key itself is kept nowhere.
type Key struct {
	ID      string    `json:"id" doc:"Names the key in lists and in revoking."`
	Role    Role      `json:"role"`
	Label   string    `json:"label,omitempty" doc:"Where it is used, in its maker's words."`
	Created time.Time `json:"created,omitzero"`
	Expires time.Time `json:"expires,omitzero" doc:"From then on it opens nothing; absent: it does not expire."`
	Used    time.Time `json:"used,omitzero" doc:"When it was used last, to the hour; absent: never."`
}

// Keys knows the keys of every project by their SHA-256.
type Keys struct {
	st    *store.Store
	clock func() time.Time

	mu     sync.RWMutex
	grants map[string]*grant // by hex of the key's SHA-256
}

// grant is what a key stands for.
type grant struct {
	Key
	project bellwether.ProjectID
	hash    string
	used    atomic.Int64 // hour of the last use, Unix seconds
	stored  atomic.Int64 // the same, as the store has it
}

const (
	keyPrefix = "keys."
	usePrefix = "keyuse."
	idLength  = 12
)

// LoadKeys reads the keys of every project in st; clock nil is time.Now.
func LoadKeys(ctx context.Context, st *store.Store, clock func() time.Time) (*Keys, error) {
	k := &Keys{st: st, clock: clock, grants: make(map[string]*grant)}
	if clock == nil {
		k.clock = time.Now
	}
	ids, err := st.Projects(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing projects: %w", err)
	}
	for _, id := range ids {
		p, err := st.Project(ctx, id)
		if err == nil {
			err = k.load(ctx, p)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the keys of project %s: %w", id, err)
		}
	}
	return k, nil
}

func (k *Keys) load(ctx context.Context, p *store.Project) error {
	names, err := p.KV.Keys(ctx, keyPrefix)
	if err != nil {
		return err
	}
	for _, name := range names {
		e, err := p.KV.Get(ctx, name)
		if err != nil {
			return err
		}
		g, err := readGrant(p.ID, strings.TrimPrefix(name, keyPrefix), e)
		if err != nil {
			return err
		}
		if used, err := p.KV.Get(ctx, usePrefix+g.hash); err == nil {
			if t, err := time.Parse(time.RFC3339, string(used.Value)); err == nil { // an unreadable one counts as never
				g.used.Store(t.Unix())
				g.stored.Store(t.Unix())
			}
		}
		k.grants[g.hash] = g
	}
	return nil
}

// readGrant reads a stored key: JSON, or of an older program, its role alone.
func readGrant(id bellwether.ProjectID, hash string, e store.Entry) (*grant, error) {
	g := &grant{project: id, hash: hash, Key: Key{Created: e.Time}}
	if len(e.Value) > 0 && e.Value[0] == '{' {
		if err := json.Unmarshal(e.Value, &g.Key); err != nil {
			return nil, fmt.Errorf("key %.12s: %w", hash, err)
		}
	} else {
		g.Role = Role(e.Value)
	}
	g.ID = hash[:min(idLength, len(hash))]
	return g, nil
}

// KeyID returns the id of a key, for whoever holds the key itself.
func KeyID(key string) string { return digest(key)[:idLength] }

// Create makes a key of a project and returns it; it cannot be read again. A zero expires is never.
func (k *Keys) Create(ctx context.Context, p *store.Project, role Role, label string, expires time.Time) (string, error) {
	if !role.Valid() {
		return "", BadRequest("the role is %q; it can be collect, read, write or admin", role)
	}
	key := "bw_" + string(role) + "_" + strings.ToLower(rand.Text())
	g := &grant{project: p.ID, hash: digest(key), Key: Key{Role: role, Label: label, Created: k.clock().UTC().Truncate(time.Second), Expires: expires}}
	g.ID = g.hash[:idLength]
	value, err := json.Marshal(g.Key)
	if err == nil {
		_, err = p.KV.Create(ctx, keyPrefix+g.hash, value)
	}
	if err != nil {
		return "", fmt.Errorf("storing a key of %s: %w", p.ID, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.grants[g.hash] = g
	return key, nil
}

// List returns the keys of a project, newest first.
func (k *Keys) List(id bellwether.ProjectID) []Key {
	k.mu.RLock()
	defer k.mu.RUnlock()
	out := []Key{}
	for _, g := range k.grants {
		if g.project == id {
			key := g.Key
			if s := g.used.Load(); s > 0 {
				key.Used = time.Unix(s, 0).UTC()
			}
			out = append(out, key)
		}
	}
	slices.SortFunc(out, func(a, b Key) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Revoke makes a key of a project worthless from now on.
func (k *Keys) Revoke(ctx context.Context, p *store.Project, id string) error {
	g := k.byID(p.ID, id)
	if g == nil {
		return NotFound("project %s has no key %q", p.ID, id).Advise("list the keys to see their ids")
	}
	for _, name := range []string{keyPrefix + g.hash, usePrefix + g.hash} {
		if err := p.KV.Delete(ctx, name); err != nil {
			return fmt.Errorf("deleting key %s of %s: %w", id, p.ID, err)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.grants, g.hash)
	return nil
}

// Rotate makes a new key in the place of an old one, which goes on opening for overlap.
func (k *Keys) Rotate(ctx context.Context, p *store.Project, id string, overlap time.Duration) (string, error) {
	old := k.byID(p.ID, id)
	if old == nil {
		return "", NotFound("project %s has no key %q", p.ID, id).Advise("list the keys to see their ids")
	}
	key, err := k.Create(ctx, p, old.Role, old.Label, time.Time{})
	if err != nil {
		return "", err
	}
	changed := old.Key
	if end := k.clock().Add(overlap).UTC().Truncate(time.Second); changed.Expires.IsZero() || end.Before(changed.Expires) {
		changed.Expires = end
	}
	value, err := json.Marshal(changed)
	if err == nil {
		_, err = p.KV.Put(ctx, keyPrefix+old.hash, value)
	}
	if err != nil {
		return "", fmt.Errorf("ending key %s of %s: %w", id, p.ID, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	old.Key = changed
	return key, nil
}

// byID returns the key of a project whose id is id, which may also be the key itself; nil where there is none.
func (k *Keys) byID(project bellwether.ProjectID, id string) *grant {
	if strings.HasPrefix(id, "bw_") {
		id = KeyID(id)
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, g := range k.grants {
		if g.project == project && g.ID == id {
			return g
		}
	}
	return nil
}

// find returns what a key stands for, nil where it opens nothing. The look-up is by digest, so that its time tells
// nothing about the keys.
func (k *Keys) find(key string) *grant {
	if key == "" {
		return nil
	}
	return k.byHash(digest(key))
}

// byHash is find by the key's digest, and notes the use.
func (k *Keys) byHash(hash string) *grant {
	k.mu.RLock()
	defer k.mu.RUnlock()
	g := k.grants[hash]
	if g == nil {
		return nil
	}
	now := k.clock()
	if !g.Expires.IsZero() && !now.Before(g.Expires) {
		return nil
	}
	if hour := now.Truncate(time.Hour).Unix(); g.used.Load() != hour {
		g.used.Store(hour)
	}
	return g
}

// hashOf is the digest of the key that a call came with, "" for one that needed none.
func (k *Keys) hashOf(c Call) string {
	if c.Key == "" {
		return ""
	}
	if g := k.byID(c.Project, c.Key); g != nil {
		return g.hash
	}
	return ""
}

// Save stores when keys were used last, where that changed. The server calls it now and then.
func (k *Keys) Save(ctx context.Context) error {
	k.mu.RLock()
	var changed []*grant
	for _, g := range k.grants {
		if g.used.Load() != g.stored.Load() {
			changed = append(changed, g)
		}
	}
	k.mu.RUnlock()
	for _, g := range changed {
		p, err := k.st.Project(ctx, g.project)
		if err != nil {
			return fmt.Errorf("noting the use of keys: %w", err)
		}
		hour := g.used.Load()
		if _, err := p.KV.Put(ctx, usePrefix+g.hash, []byte(time.Unix(hour, 0).UTC().Format(time.RFC3339))); err != nil {
			return fmt.Errorf("noting the use of keys: %w", err)
		}
		g.stored.Store(hour)
	}
	return nil
}

// Of reports whether a project has any key.
func (k *Keys) Of(id bellwether.ProjectID) bool { return len(k.List(id)) > 0 }

func digest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
