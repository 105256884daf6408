package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestOldKeys: keys that an older program stored as their role alone go on opening.
func TestOldKeys(t *testing.T) {
	f := newFixture(t, nil)
	p := f.project("alpha")
	for key, role := range map[string]Role{"bw_write_old": Write, "bw_admin_old": Admin} {
		if _, err := p.KV.Create(t.Context(), keyPrefix+digest(key), []byte(role)); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := LoadKeys(t.Context(), f.st, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, role := range map[string]Role{"bw_write_old": Write, "bw_admin_old": Admin} {
		if g := keys.find(key); g == nil || g.Role != role || g.project != "alpha" || g.ID != KeyID(key) {
			t.Errorf("%s is %+v", key, g)
		}
	}
}

// TestKeyLife makes, lists, uses, rotates and revokes keys over HTTP while the server serves, and loads them again.
func TestKeyLife(t *testing.T) {
	f := newFixture(t, nil)
	admin := f.key["alpha"][Admin]
	made := f.newKey(f.ask("POST", "/v1/keys", admin, `{"role":"read","label":"the shop's pages"}`).Body.Bytes())
	if w := f.ask("GET", "/v1/echo", made.Key, ""); w.Code != 200 {
		t.Fatalf("a new key: %d %s", w.Code, w.Body)
	}
	k := f.listed(admin, made.ID)
	if k.Role != Read || k.Label != "the shop's pages" || !k.Used.Equal(f.now.Truncate(time.Hour)) || !k.Created.Equal(f.now) {
		t.Errorf("listed as %+v", k)
	}
	next := f.newKey(f.ask("POST", "/v1/keys/"+made.ID+"/rotate", admin, `{"overlap":"2h"}`).Body.Bytes())
	for _, key := range []string{made.Key, next.Key} {
		if w := f.ask("GET", "/v1/echo", key, ""); w.Code != 200 {
			t.Errorf("within the overlap: %d", w.Code)
		}
	}
	if err := f.keys.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(2 * time.Hour)
	if w := f.ask("GET", "/v1/echo", made.Key, ""); w.Code != 401 {
		t.Errorf("the old key after the overlap: %d", w.Code)
	}
	if w := f.ask("DELETE", "/v1/keys/"+next.Key, admin, ""); w.Code != 204 { // by the key itself
		t.Errorf("revoking: %d %s", w.Code, w.Body)
	}
	if w := f.ask("GET", "/v1/echo", next.Key, ""); w.Code != 401 {
		t.Errorf("a revoked key: %d", w.Code)
	}
	if w := f.ask("DELETE", "/v1/keys/"+next.ID, admin, ""); w.Code != 404 {
		t.Errorf("revoking again: %d", w.Code)
	}
	again, err := LoadKeys(t.Context(), f.st, func() time.Time { return f.now.Add(-2 * time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	if again.find(next.Key) != nil {
		t.Error("a revoked key is back after a start")
	}
	if g := again.find(made.Key); g == nil || g.Used.IsZero() && g.used.Load() == 0 || g.Expires.IsZero() {
		t.Errorf("the rotated key is %+v after a start", g)
	}
}

// TestKeysOfOthers: an admin of one project can't see, revoke or rotate another's keys.
func TestKeysOfOthers(t *testing.T) {
	f := newFixture(t, nil)
	theirs := KeyID(f.key["beta"][Read])
	admin := f.key["alpha"][Admin]
	if strings.Contains(f.ask("GET", "/v1/keys", admin, "").Body.String(), theirs) {
		t.Error("beta's key is listed for alpha")
	}
	if w := f.ask("DELETE", "/v1/keys/"+theirs, admin, ""); w.Code != 404 {
		t.Errorf("revoking: %d", w.Code)
	}
	if w := f.ask("POST", "/v1/keys/"+f.key["beta"][Read]+"/rotate", admin, `{}`); w.Code != 404 {
		t.Errorf("rotating: %d", w.Code)
	}
	if w := f.ask("GET", "/v1/echo", f.key["beta"][Read], ""); w.Code != 200 {
		t.Errorf("beta's key: %d", w.Code)
	}
}

func (f *fixture) newKey(text []byte) (out struct{ ID, Key string }) {
	f.t.Helper()
	if err := json.Unmarshal(text, &out); err != nil || out.Key == "" || out.ID != KeyID(out.Key) {
		f.t.Fatalf("no key in %s: %v", text, err)
	}
	return out
}

func (f *fixture) listed(admin, id string) Key {
	f.t.Helper()
	var list []Key
	w := f.ask("GET", "/v1/keys", admin, "")
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		f.t.Fatal(err)
	}
	for _, k := range list {
		if k.ID == id {
			return k
		}
	}
	f.t.Fatalf("no key %s in %s", id, w.Body)
	return Key{}
}
