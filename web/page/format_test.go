package page

import (
	"testing"
	"time"

	"bellwether"
)

func TestAmounts(t *testing.T) {
	for _, test := range []struct {
		lang string
		v    float64
		u    Unit
		want string
	}{
		{"en", 0, "", "0"},
		{"en", 7, "", "7"},
		{"en", 1234567, "", "1,234,567"},
		{"en", -1234.5, "", "−1,234"},
		{"en", 0.4555, "", "0.456"},
		{"en", 0.000123, "", "0.000123"},
		{"en", 12.345, "", "12.35"},
		{"en", 123.45, "", "123.5"},
		{"en", .05, Percent, "5%"},
		{"en", .3333, Percent, "33.3%"},
		{"en", .00012, Percent, "0.012%"},
		{"en", 1, Percent, "100%"},
		{"en", -.002, Percent, "−0.2%"},
		{"en", 24.9, "EUR", "€24.90"},
		{"zh", 24.9, "USD", "US$24.90"},
		{"en", 24.9, "USD", "$24.90"},
		{"zh", 24.9, "CNY", "¥24.90"},
		{"en", 24.9, "CNY", "CN¥24.90"},
		{"en", 1200, "JPY", "¥1,200"},
		{"en", -3.5, "CHF", "−CHF\u00a03.50"},
		{"en", 10240.5, "EUR", "€10,240"},
		{"en", 1.234, "BHD", "BHD\u00a01.234"},
		{"en", -0.0004, "EUR", "€0.00"},
	} {
		if got := amount(test.lang, test.v, test.u, -1); got != test.want {
			t.Errorf("%v %s in %s: %q, want %q", test.v, test.u, test.lang, got, test.want)
		}
	}
}

// TestIntervals holds that a value and its interval are written with the same decimals, which its width decides.
func TestIntervals(t *testing.T) {
	for _, test := range []struct {
		e           bellwether.Estimate
		u           Unit
		value, both string
	}{
		{bellwether.Estimate{Value: 9871.4, Interval: []float64{5751.4, 13991.4}}, "EUR", "€9,871", "€5,751 to €13,991"},
		{bellwether.Estimate{Value: 5.34, Interval: []float64{3.11, 7.57}}, "EUR", "€5.34", "€3.11 to €7.57"},
		{bellwether.Estimate{Value: .4555, Interval: []float64{.4391, .4719}}, "", "0.456", "0.439 to 0.472"},
		{bellwether.Estimate{Value: .488, Interval: []float64{.278, .698}}, Percent, "49%", "28% to 70%"},
		{bellwether.Estimate{Value: .5, Interval: []float64{.5, .5}}, "", "0.500", "0.500 to 0.500"},
	} {
		if got := amount("en", test.e.Value, test.u, common(test.e, test.u)); got != test.value {
			t.Errorf("value %q, want %q", got, test.value)
		}
		if got := spread("en", test.e, test.u); got != test.both {
			t.Errorf("interval %q, want %q", got, test.both)
		}
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2026, 3, 7, 9, 5, 4, 0, time.UTC)
	for _, test := range [][2]string{
		{moment("en", at), "7 Mar 2026, 09:05:04 UTC"},
		{moment("zh", at), "2026年3月7日 09:05:04 UTC"},
		{day("en", at), "7 Mar 2026"},
		{day("zh", at), "2026年3月7日"},
		{span("en", 0), "0 s"},
		{span("en", 40*time.Millisecond), "40 ms"},
		{span("en", 6800*time.Millisecond), "6.8 s"},
		{span("zh", 141*time.Second), "2 分 21 秒"},
		{span("en", 26*time.Hour), "1 d 2 h"},
		{span("en", 3*time.Hour+20*time.Minute), "3 h 20 min"},
	} {
		if test[0] != test[1] {
			t.Errorf("%q, want %q", test[0], test[1])
		}
	}
}
