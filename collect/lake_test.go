package collect

import "testing"

// Amounts of the lake's events, which name an identity, are in major units; those of an older export were in minor ones.
func TestGuessAmounts(t *testing.T) {
	columns := []string{"subject", "occurred", "received", "id", "type", "item", "price", "currency"}
	rows := [][]string{{"ann", "2026-11-01T22:00:00.000000Z", "2026-11-01T22:00:00.000000Z", "0123456789abcdef-1", "purchase", "x", "19.990", "EUR"}}
	old, err := Guess(columns, rows, "")
	if err != nil || old.Fields["price"].Format != formatMinor {
		t.Errorf("%+v %v", old, err)
	}
	lake, err := Guess(append(columns, "identity"), [][]string{append(rows[0], "ann")}, "")
	if err != nil || lake.Fields["price"].Format != "" || lake.Fields["subject"].Column != "subject" || lake.Fields["time"].Column != "occurred" || lake.Fields["id"].Column != "id" {
		t.Errorf("%+v %v", lake, err)
	}
}
