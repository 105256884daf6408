package growth

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
)

var firstDay = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)

func generated(t *testing.T, s Size, seed uint64, parts ...int) []byte {
	t.Helper()
	var b bytes.Buffer
	shop := NewShop(s, seed, firstDay)
	for _, n := range parts {
		if err := shop.Write(&b, n); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// The same seed gives the same bytes, and a file in two parts goes on where the first one ended.
func TestSameSeed(t *testing.T) {
	s := Size{Events: 20_000, People: 2000, Items: 300}
	whole := generated(t, s, 1, 20_000)
	if sha256.Sum256(whole) != sha256.Sum256(generated(t, s, 1, 20_000)) {
		t.Error("two files of one seed differ")
	}
	if bytes.Equal(whole, generated(t, s, 2, 20_000)) {
		t.Error("two seeds give one file")
	}
	parts := strings.Replace(string(generated(t, s, 1, 12_000, 8000)), Header, "", 1)
	if strings.Replace(parts, Header, "", 1) != strings.TrimPrefix(string(whole), Header) {
		t.Error("a file in two parts is not the whole one")
	}
}

// What the rows hold is like a shop's: people come back, items are popular unevenly, orders have prices.
func TestRows(t *testing.T) {
	s := Size{Events: 50_000, People: 5000, Items: 1000}
	r := csv.NewReader(bytes.NewReader(generated(t, s, 7, s.Events)))
	head, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range head {
		at[name] = i
	}
	people, ids, pairs, items := map[string]int{}, map[string]bool{}, map[string]int{}, map[string]int{}
	anonymous, purchases, identified, last := 0, 0, 0, ""
	for {
		row, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		get := func(name string) string { return row[at[name]] }
		ids[get("event_id")] = true
		if get("timestamp") < last {
			t.Fatalf("%s after %s", get("timestamp"), last)
		}
		last = get("timestamp")
		people[get("anonymous_id")]++
		pairs[get("anonymous_id")+get("item_id")]++
		items[get("item_id")]++
		switch {
		case get("user_id") == "":
			anonymous++
		case get("event_type") == "identify":
			identified++
		}
		if get("event_type") == "purchase" {
			purchases++
			if price, err := strconv.ParseFloat(get("price"), 64); err != nil || price < 1 || get("order_id") == "" || get("quantity") == "" {
				t.Fatalf("purchase %v", row)
			}
		}
	}
	if len(ids) != s.Events || len(people) < s.People/2 || len(people) > s.People {
		t.Errorf("%d ids, %d devices", len(ids), len(people))
	}
	if share := float64(anonymous) / float64(s.Events); share < .2 || share > .45 {
		t.Errorf("%.2f of the events are anonymous", share)
	}
	if purchases < s.Events/50 || identified < s.Events/200 || items["item-0"] < 3*s.Events/s.Items || len(pairs) > s.Events*9/10 {
		t.Errorf("%d purchases, %d sign-ins, %d of item-0, %d pairs of device and item", purchases, identified, items["item-0"], len(pairs))
	}
}

func BenchmarkRow(b *testing.B) {
	shop := NewShop(Sizes[0], 1, firstDay)
	b.ReportAllocs()
	b.ResetTimer()
	if err := shop.Write(io.Discard, b.N); err != nil {
		b.Fatal(err)
	}
}
