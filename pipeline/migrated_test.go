package pipeline

import (
	"bytes"
	"errors"
	"log/slog"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/internal/apptest"
	"bellwether/learn"
	"bellwether/store"
)

// TestFolderOfFormat1 opens the folder that store's test migrates (../store/testdata/format1.md): what its
// models' files still say serves, what they no longer say is named, and a turn puts it right.
func TestFolderOfFormat1(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", "../store/testdata/format1.tar.gz", "-C", dir).CombinedOutput(); err != nil {
		t.Skipf("tar is needed to unpack the folder: %v: %s", err, out)
	}
	s, err := store.Open(t.Context(), dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := s.Project(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	e, err := Open(t.Context(), p, Options{
		Clock:    func() time.Time { return time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC) },
		Training: learn.Training{Epochs: 1, Preset: "tiny"}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if m, err := e.Registry.Serving("behaviour"); err != nil || m.Version != "behaviour-000001" {
		t.Errorf("behaviour is served by %+v, %v", m, err)
	}
	if m, err := e.Registry.Serving("recommend"); !errors.Is(err, learn.ErrNoModel) {
		t.Errorf("recommend is served by %+v, %v: its file is of format 1", m, err)
	}
	if text := log.String(); !strings.Contains(text, "its file cannot be read; a turn trains another") || !strings.Contains(text, "recommend-000001") || strings.Contains(text, "behaviour-000001") {
		t.Errorf("the log says %s", text)
	}
	if _, err := e.Evaluate(t.Context(), "recommend", nil, nil); err == nil || !strings.Contains(err.Error(), "train again") {
		t.Errorf("evaluating a run of format 1: %v", err)
	}
	newer, err := store.Encode(&bellwether.Event{
		ID: "newer", Type: bellwether.ViewItem, Occurred: apptest.Begin, Received: apptest.Begin, Subject: "p001", Item: "item-01",
		Unknown: []byte("\xa1\x18\xc8\xf5"), // a map with the key 200, as a later program may write it
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Log.Append(t.Context(), store.Record{Kind: store.KindEvent, ID: "newer", Data: newer}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Turn(t.Context(), TurnOptions{}, nil); err != nil {
		t.Fatal("a turn over an event of a newer program:", err)
	}
	if err := e.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	who, err := e.History.Person(t.Context(), "p001", "")
	if err != nil || !slices.ContainsFunc(who.Events, func(e bellwether.Event) bool { return e.Occurred.Equal(apptest.Begin) && e.Item == "item-01" }) {
		t.Errorf("the person does not have the newer event: %v", err)
	}
	m, err := e.Registry.Serving("recommend")
	if err != nil || m.Version != "recommend-000002" {
		t.Fatalf("after a turn recommend is served by %+v", m)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if e, err = Open(t.Context(), p, Options{}); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if back, err := e.Registry.Serving("recommend"); err != nil || back.Version != m.Version || back.Model.Family() != m.Model.Family() {
		t.Errorf("opened again, recommend is served by %+v, not %+v", back, m)
	}
}
