package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"bellwether"
	"bellwether/bench/growth"
	"bellwether/store"
)

// The load of the kills: batches of killBatch views by killClients clients at once.
const (
	killClients = 4
	killBatch   = 20
	killPeople  = 20_000
	killItems   = 200
)

// batches are what clients sent: a batch without an answer is sent again, as clients do.
type batches struct {
	mu      sync.Mutex
	next    int
	open    []string // without an answer
	stored  map[string]bool
	unknown int // answers that never came
}

// take returns the name of a batch to send.
func (b *batches) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.open); n > 0 {
		name := b.open[n-1]
		b.open = b.open[:n-1]
		return name
	}
	b.next++
	return fmt.Sprint("kill-", b.next)
}

func (b *batches) answered(name string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.stored[name] = true
		return
	}
	b.unknown++
	b.open = append(b.open, name)
}

// killsCheck kills the server under load, again and again, and looks for every event that it acknowledged.
func killsCheck(r *runner) error {
	key, err := r.shopOf("kills", growth.Size{Events: 2000, People: 200, Items: killItems})
	if err != nil {
		return err
	}
	sent, rng, slowest := &batches{stored: map[string]bool{}}, rand.New(rand.NewPCG(1, 1)), time.Duration(0)
	kills := r.count(killsOfServe)
	for range kills {
		s, err := r.started("kills")
		if err != nil {
			return err
		}
		s.write, slowest = key, max(slowest, s.start)
		ctx, stop := context.WithCancel(r.ctx)
		var clients sync.WaitGroup
		for range killClients {
			clients.Go(func() {
				c := client(1)
				for ctx.Err() == nil {
					name := sent.take()
					sent.answered(name, s.ask(ctx, c, http.MethodPost, "/v1/batch", batch(name, killBatch, killPeople, killItems), nil))
				}
			})
		}
		time.Sleep(time.Duration(50+rng.IntN(400)) * time.Millisecond)
		s.kill()
		stop()
		clients.Wait()
	}
	ids, err := r.records("kills", store.KindEvent)
	if err != nil {
		return err
	}
	lost, known := 0, 0
	for name := range sent.stored {
		for i := range killBatch {
			if !ids[fmt.Sprintf("%s-%d", name, i)] {
				lost++
			}
			known++
		}
	}
	r.add(fmt.Sprintf("kill -9 under load: %d times in serve", kills), fmt.Sprintf("%d of %d acknowledged events lost, %d batches without an answer sent again, slowest start %.1f s",
		lost, known, sent.unknown, slowest.Seconds()), "0 lost", lost == 0 && known > 0)
	return r.noneTwice("kills")
}

// records opens a folder and returns the ids of its log's records of a kind.
func (r *runner) records(data string, kind store.Kind) (ids map[string]bool, err error) {
	ids = map[string]bool{}
	err = r.readLog(data, func(x *store.Record) error {
		if x.Kind == kind {
			ids[x.ID] = true
		}
		return nil
	})
	return ids, err
}

// readLog opens a folder and calls fn with each record of its log.
func (r *runner) readLog(data string, fn func(*store.Record) error) error {
	st, err := store.Open(r.ctx, filepath.Join(r.folder, data), store.Options{})
	if err != nil {
		return err
	}
	defer st.Close()
	p, err := st.Project(r.ctx, "default")
	if err != nil {
		return err
	}
	return p.Log.Read(r.ctx, 0, func(b store.Batch) error {
		for i := range b.Records {
			if err := fn(&b.Records[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// noneTwice compares what a pass over everybody counts with the distinct events of people in the log.
func (r *runner) noneTwice(data string) error {
	ids := map[string]bool{}
	err := r.readLog(data, func(x *store.Record) error {
		var e bellwether.Event
		if x.Kind != store.KindEvent {
			return nil
		}
		if err := store.Decode(x.Data, &e); err != nil {
			return err
		}
		if e.Subject != "" || e.Anonymous != "" { // not the system's own
			ids[x.ID] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	out, err := r.program(data, "turn", "--no-train", "--json")
	if err != nil {
		return err
	}
	var turn struct{ Read int64 }
	if err := json.Unmarshal(out, &turn); err != nil {
		return err
	}
	r.add("kill -9 under load: events that a pass reads", fmt.Sprintf("%d of %d distinct ones in the log", turn.Read, len(ids)), "equal: none twice", turn.Read == int64(len(ids)))
	return nil
}

// commands that are killed in their middle and typed again until they end.
var killedCommands = []struct {
	name string
	args []string
}{
	{"import", []string{"import", "FILE", "--format", "csv"}},
	{"turn", []string{"turn", "--minutes", "0.02"}},
	{"promote", []string{"promote", "recommend", "--force"}},
	{"recommend", []string{"recommend", "--everybody", "--log"}},
}

// commandsCheck kills commands that write, at random moments, and looks whether what was there before is there still, nothing is there
// twice, and the command then does its work.
func commandsCheck(r *runner) error {
	const first, more = 5000, 20_000 // events that are there, and that the import is to bring
	shop, _, err := r.shopBegun("commands", growth.Size{Events: first + more, People: 300, Items: killItems}, first)
	if err != nil {
		return err
	}
	file := filepath.Join(r.folder, "more.csv")
	if err := writeTo(file, shop, more); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for _, c := range killedCommands {
		args := append([]string(nil), c.args...)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "FILE", file)
		}
		before, err := r.records("commands", store.KindEvent)
		if err != nil {
			return err
		}
		whole := time.Now()
		if c.name != "import" { // the import's work is to be done by those that are killed
			if _, err := r.program("commands", args...); err != nil {
				return err
			}
		} else {
			whole = whole.Add(-2 * time.Second)
		}
		took, kills := time.Since(whole), r.count(killsOfCommand)
		killed := 0
		for range kills {
			ctx, stop := context.WithTimeout(r.ctx, time.Duration(rng.Float64()*float64(took)))
			if err := exec.CommandContext(ctx, r.binary, append(args, "--data", filepath.Join(r.folder, "commands"), "-q")...).Run(); err != nil && ctx.Err() != nil {
				killed++
			}
			stop()
		}
		_, again := r.program("commands", args...)
		after, err := r.records("commands", store.KindEvent)
		if err != nil {
			return err
		}
		lost := 0
		for id := range before {
			if !after[id] {
				lost++
			}
		}
		r.add(fmt.Sprintf("kill -9: %d times in %s", kills, c.name), fmt.Sprintf("%d killed; %d of %d events lost; then: %v", killed, lost, len(before), errorOr(again, "done")), "0 lost, then done", lost == 0 && again == nil)
	}
	if _, err := r.program("commands", "doctor"); err != nil {
		return err
	}
	return r.noneTwice("commands")
}

func errorOr(err error, text string) string {
	if err != nil {
		return err.Error()
	}
	return text
}

// decisionsOf decodes the decisions of a folder's log, by id; twice counts records of one id that differ.
func (r *runner) decisionsOf(data string, surface bellwether.Surface) (all map[bellwether.DecisionID]bellwether.Decision, err error) {
	all = map[bellwether.DecisionID]bellwether.Decision{}
	err = r.readLog(data, func(x *store.Record) error {
		var d bellwether.Decision
		if x.Kind != store.KindDecision {
			return nil
		}
		if err := store.Decode(x.Data, &d); err != nil {
			return err
		}
		if _, known := all[d.ID]; !known && d.Surface == surface {
			all[d.ID] = d
		}
		return nil
	})
	return all, err
}
