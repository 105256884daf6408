// Package storetest is what every kind of store must pass: the embedded one, and the
// same code over an external NATS server.
package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"bellwether"
	"bellwether/store"
)

// Run runs the conformance suite on stores opened with o. Each test has a folder and a
// project of its own, so that an external server may be shared.
func Run(t *testing.T, o store.Options) {
	s := suite{o}
	for name, test := range map[string]func(*testing.T, *fixture){
		"log/order":              s.logOrder,
		"log/concurrent":         s.logConcurrent,
		"log/large":              s.logLarge,
		"log/many":               s.logMany,
		"log/limits":             s.logLimits,
		"log/closed":             s.logClosed,
		"log/read stops":         s.logReadStops,
		"kv/changes":             s.kvChanges,
		"kv/one wins":            s.kvOneWins,
		"kv/keys":                s.kvKeys,
		"kv/history":             s.kvHistory,
		"objects/replace":        s.objectsReplace,
		"objects/failing source": s.objectsFailingSource,
		"objects/large":          s.objectsLarge,
		"projects":               s.projects,
		"reopen":                 s.reopen,
		"view/follows":           s.viewFollows,
		"view/once":              s.viewOnce,
		"view/resumes":           s.viewResumes,
		"view/version":           s.viewVersion,
		"view/rebuild":           s.viewRebuild,
		"view/scan":              s.viewScan,
		"view/fold error":        s.viewFoldError,
		"view/writer":            s.viewWriter,
		"view/getall":            s.viewGetAll,
		"view/closed":            s.viewClosed,
	} {
		t.Run(name, func(t *testing.T) { test(t, newFixture(t, o)) })
	}
}

// suite holds the tests as methods.
type suite struct{ options store.Options }

// fixture is an open store with one project.
type fixture struct {
	t       *testing.T
	dir     string
	options store.Options
	id      bellwether.ProjectID
	store   *store.Store
	*store.Project
}

var fixtures atomic.Int64

func newFixture(t *testing.T, o store.Options) *fixture {
	f := &fixture{t: t, dir: t.TempDir(), options: o}
	f.id = bellwether.ProjectID(fmt.Sprintf("%.40s-%d", strings.Map(plain, strings.ToLower(t.Name())), fixtures.Add(1)))
	f.open()
	t.Cleanup(f.close)
	return f
}

func plain(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}

func (f *fixture) open() {
	f.t.Helper()
	var err error
	f.store, err = store.Open(f.ctx(), f.dir, f.options)
	f.must(err)
	f.Project, err = f.store.Project(f.ctx(), f.id)
	f.must(err)
}

func (f *fixture) close() {
	f.t.Helper()
	f.must(f.store.Close())
}

func (f *fixture) ctx() context.Context { return context.Background() }

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// append stores records with these ids, each with its id as data, in one Append.
func (f *fixture) append(ids ...string) uint64 {
	f.t.Helper()
	sequence, err := f.Log.Append(f.ctx(), records(ids...)...)
	f.must(err)
	return sequence
}

func records(ids ...string) []store.Record {
	out := make([]store.Record, len(ids))
	for i, id := range ids {
		out[i] = store.Record{Kind: store.KindEvent, ID: id, Data: []byte(id)}
	}
	return out
}

// ids reads the log and returns the ids of its records.
func (f *fixture) ids(after uint64) []string {
	f.t.Helper()
	out := []string{}
	f.must(f.Log.Read(f.ctx(), after, func(b store.Batch) error {
		for _, r := range b.Records {
			out = append(out, r.ID)
		}
		return nil
	}))
	return out
}

func numbered(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%06d", prefix, i)
	}
	return out
}
