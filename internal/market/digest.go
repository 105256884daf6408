package market

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"sync"
)

// Play runs customers through all days under a host and returns their events, by customer. The host is asked
// by several goroutines at once.
func (w *World) Play(h Host) ([][]Event, error) {
	out, errs := make([][]Event, len(w.Customers)), make([]error, len(w.Customers))
	next := make(chan int)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range next {
				out[i], errs[i] = w.History(i, w.Days, h)
			}
		})
	}
	for i := range w.Customers {
		next <- i
	}
	close(next)
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// History runs customer i through the first days.
func (w *World) History(i, days int, h Host) ([]Event, error) {
	var all []Event
	var s State
	for day := range days {
		events, next, err := w.Day(i, day, s, h)
		if err != nil {
			return nil, fmt.Errorf("customer %d, day %d: %w", i, day, err)
		}
		all, s = append(all, events...), next
	}
	return all, nil
}

// Digest is the SHA-256, in hex, of the catalogue and of every event, flaw and mishap when all customers see
// the bestsellers and every campaign contacts everybody.
func (w *World) Digest() (string, error) {
	days, err := w.Play(Fixed{Items: w.Bestsellers(10), Contacts: true})
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, w.Name())
	for j := range w.Items {
		it := &w.Items[j]
		fmt.Fprintln(h, it.ID, it.Title, it.Price.Amount, it.Cost.Amount, it.Launch)
	}
	for i, events := range days {
		fmt.Fprintf(h, "%+v\n", w.Customers[i])
		day, n := -1, 0
		for k := range events {
			e := &events[k]
			if e.Day != day {
				day, n = e.Day, 0
				fmt.Fprintf(h, "%+v\n", w.Mishap(i, day))
			}
			fmt.Fprintf(h, "%v %d\n", *e, w.Flaw(e, n))
			n++
		}
	}
	for day := range w.Days {
		fmt.Fprintf(h, "%v\n", w.Robots(day))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
