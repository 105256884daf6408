package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"bellwether/store/blocks"

	"github.com/nats-io/nats-server/v2/server"
)

// A server that cannot open a file of a stream when it starts, be it only because the
// machine has no file handle to spare, removes the stream's folder. So the guard holds a second name
// (a hard link) of each block from before the start until the server has opened every stream.

func (g *guard) held(stream string) string { return filepath.Join(g.of(stream), "held") }

// hold gives each block of the stream a second name.
func (g *guard) hold(stream string) error {
	files, err := blocks.List(g.messages(stream))
	if err != nil || len(files) == 0 {
		return err
	}
	if err := makeFolder(g.held(stream)); err != nil {
		return err
	}
	for _, f := range files {
		name := blocks.Name(f.Index)
		to := filepath.Join(g.held(stream), name)
		if err := remove(to); err != nil {
			return err
		}
		if err := os.Link(filepath.Join(g.messages(stream), name), to); err != nil {
			if refused(err) {
				return err
			}
			g.log.Warn("files cannot be linked here: a start that fails may remove a stream; keep a backup", "stream", stream, "error", err)
			return nil
		}
	}
	return SyncFolder(g.held(stream))
}

// unhold gives blocks that are gone their first name back, and forgets the second ones.
func (g *guard) unhold(stream string) error {
	files, err := blocks.List(g.held(stream))
	if err != nil || len(files) == 0 {
		return err
	}
	restored := 0
	for _, f := range files {
		name := blocks.Name(f.Index)
		if exists(filepath.Join(g.messages(stream), name)) {
			continue
		}
		if err := makeFolder(g.messages(stream)); err != nil {
			return err
		}
		if err := os.Link(filepath.Join(g.held(stream), name), filepath.Join(g.messages(stream), name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		restored++
	}
	if restored > 0 {
		g.log.Warn("files that the server removed when it failed to start were put back", "stream", stream, "files", restored)
		if err := SyncFolder(g.messages(stream)); err != nil {
			return err
		}
	}
	return os.RemoveAll(g.held(stream))
}

// started checks that the server opened every stream that has blocks.
func (g *guard) started(ns *server.Server) error {
	info, err := ns.Jsz(&server.JSzOptions{Accounts: true, Streams: true})
	if err != nil {
		return err
	}
	open := map[string]bool{}
	for _, a := range info.AccountDetails {
		for _, s := range a.Streams {
			open[s.Name] = true
		}
	}
	names, err := g.streamNames()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !open[name] && exists(g.held(name)) {
			return fmt.Errorf("%w: the embedded NATS server did not open stream %s; the log says why", ErrUnavailable, name)
		}
	}
	for _, name := range names {
		if err := os.RemoveAll(g.held(name)); err != nil {
			return err
		}
	}
	return nil
}
