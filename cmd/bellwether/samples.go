package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"bellwether/history/lake"
)

// sampleEvents is how many events the sample file has at most.
const sampleEvents = 20_000

// samples writes two files beside the data that a project of one's own can import: events and a catalogue.
func (d *demo) samples() (events, items string, err error) {
	events, items = filepath.Join(d.folder, "sample-events.csv"), filepath.Join(d.folder, "sample-items.jsonl")
	if err := writeFile(events, d.sampleEvents); err != nil {
		return "", "", err
	}
	return events, items, writeFile(items, d.sampleItems)
}

var errEnough = errors.New("enough")

func (d *demo) sampleEvents(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := 0
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	if err := out.Write([]string{"time", "customer_id", "event", "product_id", "price", "currency", "channel"}); err != nil {
		return err
	}
	err := lake.Each(context.Background(), d.lake(), lake.Filter{}, func(r *lake.EventRow) error {
		if rows++; rows > sampleEvents {
			return errEnough
		}
		price := ""
		if r.Price != nil {
			price = r.Price.String()
		}
		return out.Write([]string{r.Occurred.Format(time.RFC3339), r.Subject, r.Type, text(r.Item), price, text(r.Currency), text(r.Channel)})
	})
	if err != nil && !errors.Is(err, errEnough) {
		return fmt.Errorf("writing sample events: %w", err)
	}
	out.Flush()
	return out.Error()
}

func (d *demo) sampleItems(w io.Writer) error {
	items, err := d.opened.project.History.Items()
	if err != nil {
		return err
	}
	out := json.NewEncoder(w)
	for _, id := range slices.Sorted(maps.Keys(items)) {
		if err := out.Encode(items[id]); err != nil {
			return err
		}
	}
	return nil
}
