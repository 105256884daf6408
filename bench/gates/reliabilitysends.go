package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"bellwether"
	"bellwether/bench/growth"
	"bellwether/store"
)

const sendPeople = 150 // that a campaign may be sent to

// hook is the receiver of a webhook: it tells repetitions by their key, as receivers do.
type hook struct {
	mu    sync.Mutex
	posts map[string]int // by Idempotency-Key
	of    map[string]int // keys by person
}

// ServeHTTP takes a message.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m struct{ Subject string }
	text, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(text, &m) != nil {
		http.Error(w, "not a message", http.StatusBadRequest)
		return
	}
	time.Sleep(2 * time.Millisecond) // as long as a receiver takes
	h.mu.Lock()
	defer h.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	if h.posts[key]++; h.posts[key] == 1 {
		h.of[m.Subject]++
	}
}

// writeTo writes the shop's next n events into a file.
func writeTo(path string, shop *growth.Shop, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := shop.Write(f, n); err != nil {
		return err
	}
	return f.Close()
}

// sendsCheck kills the program in the middle of campaigns by webhook and by audience file, types the command again until it ends, and
// compares the decisions with what arrived and with what is in the log.
func sendsCheck(r *runner) error {
	receiver := &hook{posts: map[string]int{}, of: map[string]int{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: receiver, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // ends with Close
	defer server.Close()
	folder := filepath.Join(r.folder, "sends")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	conf := fmt.Sprintf("webhook: http://%s/\nwebhook_key: a-secret-of-many-bytes\nmessage_cap: 1000\n", l.Addr())
	if err := os.WriteFile(filepath.Join(folder, "config.yaml"), []byte(conf), 0o600); err != nil {
		return err
	}
	if err := r.consenting("sends", sendPeople); err != nil {
		return err
	}
	rng, kills := rand.New(rand.NewPCG(3, 3)), r.count(killsOfCommand)
	campaigns, done := 0, 0
	for killed := 0; killed < kills; {
		name := fmt.Sprint("wave-", campaigns)
		campaigns++
		for {
			stopped, err := r.killedSend(&killed, rng, "send", name, "--webhook", "--really", "--surface", "webhook")
			if err != nil {
				return err
			}
			if !stopped || killed >= kills {
				break
			}
		}
		if _, err := r.program("sends", "send", name, "--webhook", "--really", "--surface", "webhook", "--json"); err != nil {
			return err
		}
		done++
	}
	chosen, logged, err := r.chosen("webhook")
	if err != nil {
		return err
	}
	never, twice, repeated, unlogged := 0, 0, 0, 0
	for id := range chosen {
		switch n := receiver.posts[string(id)]; {
		case n == 0:
			never++
		case n > 1:
			repeated++
		}
		if !logged["message-"+string(id)] {
			unlogged++
		}
	}
	for _, n := range receiver.of {
		if n > campaigns {
			twice++
		}
	}
	r.add(fmt.Sprintf("kill -9: %d times in send by webhook, %d campaigns", kills, done),
		fmt.Sprintf("%d chosen: %d never sent, %d people sent twice, %d without their record; %d posted again under their id", len(chosen), never, twice, unlogged, repeated),
		"0, 0, 0", never+twice+unlogged == 0 && len(chosen) > 0)
	return r.killedLists(kills, rng)
}

// consenting imports people who may be written to.
func (r *runner) consenting(data string, n int) error {
	var lines bytes.Buffer
	for i := range n {
		fmt.Fprintf(&lines, `{"type":"identify","messageId":"who-%d","userId":"person-%d","traits":{"email":"p%d@example.com"},"timestamp":"2026-01-02T10:00:00Z","context":{"consent":{"categoryPreferences":{"marketing":true}}}}`+"\n", i, i, i)
	}
	c := exec.CommandContext(r.ctx, r.binary, "import", "-", "--format", "segment", "--data", filepath.Join(r.folder, data), "-q")
	c.Stdin = &lines
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("importing people: %w: %s", err, out)
	}
	return nil
}

// killedSend runs a command and kills it at a random moment; stopped reports that it did not end by itself.
func (r *runner) killedSend(killed *int, rng *rand.Rand, args ...string) (stopped bool, err error) {
	ctx, stop := context.WithTimeout(r.ctx, time.Duration(200+rng.IntN(2500))*time.Millisecond)
	defer stop()
	out, err := exec.CommandContext(ctx, r.binary, append(args, "--data", filepath.Join(r.folder, "sends"), "-q")...).CombinedOutput()
	if ctx.Err() != nil && r.ctx.Err() == nil {
		*killed++
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("%v: %w: %.500s", args, err, out)
	}
	return false, nil
}

// chosen are the decisions of a surface to send, and the events of messages in the log.
func (r *runner) chosen(surface bellwether.Surface) (map[bellwether.DecisionID]bellwether.Decision, map[string]bool, error) {
	all, err := r.decisionsOf("sends", surface)
	if err != nil {
		return nil, nil, err
	}
	for id, d := range all {
		if d.Holdout || d.Chosen()[0] != "send" {
			delete(all, id)
		}
	}
	events, err := r.records("sends", store.KindEvent)
	return all, events, err
}

// killedLists does the same with audience files: the one that is there at last has everybody, and none is half.
func (r *runner) killedLists(kills int, rng *rand.Rand) error {
	file := filepath.Join(r.folder, "list.csv")
	args := []string{"send", "list", "--audience", file, "--really", "--surface", "list"}
	half := 0
	for killed, tries := 0, 0; killed < kills && tries < 4*kills; tries++ {
		if _, err := r.killedSend(&killed, rng, args...); err != nil {
			return err
		}
		if n, err := rowsOf(file); err == nil {
			chosen, _, err := r.chosen("list")
			if err != nil {
				return err
			}
			if n != len(chosen) {
				half++
			}
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	if _, err := r.program("sends", args...); err != nil {
		return err
	}
	chosen, logged, err := r.chosen("list")
	if err != nil {
		return err
	}
	named, err := rowsOf(file)
	if err != nil {
		return err
	}
	unlogged := 0
	for id := range chosen {
		if !logged["message-"+string(id)] {
			unlogged++
		}
	}
	r.add(fmt.Sprintf("kill -9: %d times in send by audience file", kills), fmt.Sprintf("%d chosen: %d on the last list, %d lists were half, %d without their record", len(chosen), named, half, unlogged),
		"all, 0, 0", named == len(chosen) && named > 0 && half+unlogged == 0)
	return nil
}

// rowsOf counts the people of an audience file.
func rowsOf(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	return max(0, len(rows)-1), err
}
