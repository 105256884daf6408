package host

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/apps/recommend"
	"bellwether/collect"
	"bellwether/pipeline"
	"bellwether/store"
	"bellwether/web"
)

// TestPages reads each page of a real project through the server: before anything came in, before and after a turn.
func TestPages(t *testing.T) {
	ctx := context.Background()
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := begin
	clock := func() time.Time { return now }
	st, err := store.Open(ctx, t.TempDir(), store.Options{})
	must(t, err)
	defer st.Close()
	sp, err := st.Project(ctx, "test")
	must(t, err)
	p, err := pipeline.Open(ctx, sp, pipeline.Options{Clock: clock, Currency: "EUR"})
	must(t, err)
	defer p.Close()
	keys, err := web.LoadKeys(ctx, st, nil)
	must(t, err)
	key, err := keys.Create(ctx, sp, web.Read, "reader", time.Time{})
	must(t, err)
	server, err := New(Options{Keys: keys, Project: func(id bellwether.ProjectID) *pipeline.Project {
		if id == p.ID {
			return p
		}
		return nil
	}, Truth: func(bellwether.ProjectID) (float64, bool) { return 12, true }})
	must(t, err)
	show := func(path string, status int, want ...string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%s: %d, want %d: %.300s", path, w.Code, status, w.Body)
		}
		for _, x := range want {
			if !strings.Contains(w.Body.String(), x) {
				t.Errorf("%s lacks %q", path, x)
			}
		}
	}
	show("/", 200, "Nothing has come in yet")
	show("/?lang=zh", 200, "bellwether import FILE")
	show("/report", 200, "No number yet")
	show("/models", 200, "No turn yet")
	show("/decisions", 200, "bellwether recommend PERSON")
	show("/data", 200, "Nothing has come in yet")

	var in []collect.Incoming
	for day := range 20 {
		for who := range 30 {
			in = append(in, collect.Incoming{Source: "test", Event: bellwether.Event{
				ID: bellwether.EventID(fmt.Sprint(day, "/", who)), Type: bellwether.ViewItem, Subject: bellwether.Subject(fmt.Sprint("person-", who)),
				Item: bellwether.ItemID(fmt.Sprint("item-", (who+day)%12)), Occurred: begin.AddDate(0, 0, day),
			}})
		}
	}
	in = append(in, collect.Incoming{Source: "broken", Event: bellwether.Event{ID: "bad"}})
	now = begin.AddDate(0, 0, 21)
	_, err = p.Collector.Accept(ctx, in)
	must(t, err)
	_, err = p.AcceptItems(ctx, []json.RawMessage{[]byte(`{"id":"item-1","title":"Hand grinder"}`)})
	must(t, err)
	must(t, p.Flush(ctx))
	show("/", 200, "Events came in and were not read yet")
	show("/data?lang=zh", 200, "数据已到")

	answer, err := recommend.Recommend(ctx, p.Project, recommend.Request{Subject: "person-3"})
	must(t, err)
	must(t, p.Flush(ctx))
	_, err = p.Turn(ctx, pipeline.TurnOptions{Untrained: true}, nil)
	must(t, err)
	id := string(answer.Decision.ID)
	show("/", 200, "person-3", "/decisions/"+id)
	show("/report", 200)
	show("/models", 200, "Who buys within 30 days", "What to show to whom")
	show("/models?lang=zh", 200, "给谁看什么")
	show("/decisions?q=grinder", 200, id)
	show("/decisions?q=nobody", 200, "No decision matches.")
	show("/decisions/"+id, 200, "Hand grinder", "person-3")
	show("/decisions/none", 404)
	show("/data", 200, "600", "1 Jan 2026", "broken")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
