package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"bellwether/store/blocks"
)

// objectList is guard/STREAM/objects.json: the objects that there are, so that one whose record
// was in a file that is gone is said to be lost and not to be unknown. An external server has none.
type objectList struct {
	path string

	mu    sync.Mutex
	known map[string]time.Time // when each object was stored, by name
}

// openObjects reads the list, or makes it of what the bucket has.
func (o *Objects) openList(ctx context.Context) error {
	if o.store.server == nil {
		return nil
	}
	l := &objectList{path: filepath.Join(o.store.guard.of("OBJ_"+o.name), "objects.json")}
	err := readJSON(l.path, &l.known)
	if err == nil && l.known == nil || err != nil {
		if err != nil {
			o.store.log.Warn("the list of objects is damaged and made anew", "file", l.path, "error", err)
		}
		l.known = map[string]time.Time{}
		all, err := o.List(ctx, "")
		if err != nil {
			return err
		}
		for _, info := range all {
			l.known[info.Name] = info.Time
		}
		if err := writeJSON(l.path, l.known); err != nil {
			return err
		}
	}
	o.list = l
	return nil
}

// set notes that the object was stored or, with a zero time, deleted.
func (l *objectList) set(name string, at time.Time) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.IsZero() {
		if _, ok := l.known[name]; !ok {
			return nil
		}
		delete(l.known, name)
	} else {
		l.known[name] = at
	}
	return writeJSON(l.path, l.known)
}

// lost returns the error for an object that is not found: ErrNotFound, or that it is gone.
func (l *objectList) lost(name string) error {
	if l == nil {
		return ErrNotFound
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.known[name]
	if !ok {
		return ErrNotFound
	}
	return fmt.Errorf("%w: it was stored on %s and is gone; %s", ErrDamaged, at.UTC().Format(time.RFC3339), remake)
}

// checkObjects finds the objects of a stream that are on its list and not in its blocks.
func (g *guard) checkObjects(r *Report, stream string) error {
	path, known := filepath.Join(g.of(stream), "objects.json"), map[string]time.Time{}
	if err := readJSON(path, &known); err != nil {
		r.Findings = append(r.Findings, Finding{Stream: stream, File: path, What: err.Error() + "; it is made anew at the next start"})
		return nil
	}
	files, err := blocks.List(g.messages(stream))
	if err != nil {
		return err
	}
	records := "$O." + strings.TrimPrefix(stream, "OBJ_") + ".M."
	for _, f := range files {
		b, err := readBlock(stream, g.messages(stream), f.Index)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		b.Messages(func(m *blocks.Record) {
			if name, ok := strings.CutPrefix(string(m.Subject), records); ok {
				if plain, err := base64.URLEncoding.DecodeString(name); err == nil {
					delete(known, string(plain))
				}
			}
		})
	}
	for name, at := range known {
		r.Findings = append(r.Findings, Finding{
			Stream: stream, Damage: !r.Serving, // a serving program may just have deleted it
			What: fmt.Sprintf("object %q, stored on %s, is gone; %s", name, at.UTC().Format(time.RFC3339), remake),
		})
	}
	return nil
}
