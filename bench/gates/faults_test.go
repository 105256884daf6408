package main

import (
	"strings"
	"testing"

	"bellwether"
)

// TestParseFaults: what the gate expects can be read, and each line says what is wrong with it.
func TestParseFaults(t *testing.T) {
	folders, err := parseFaults(faultsText)
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, f := range folders {
		files += len(f.files)
	}
	if len(folders) < 30 || files < 100 {
		t.Errorf("%d folders and %d files", len(folders), files)
	}
	got, err := parseFaults("== a\n-- in.csv exit=3 refused=1 clean | --format csv\nuser=u1 trait.note=\"a \\\"b\\\"\" price=\n~ why\n* 4\n")
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	f := got[0].files[0]
	if f.exit != 3 || f.refused != 1 || !f.clean || f.count != 4 || len(f.flags) != 2 || f.says[0] != "why" || f.events[0][1] != (said{"trait.note", `a "b"`}) || f.events[0][2].text != "" {
		t.Errorf("%+v", f)
	}
	for _, bad := range []string{"-- in.csv", "== a\nuser=u1", "== a\n-- in.csv code=1", "== a\n-- in.csv\nuser", "== a\n-- in.csv\n* many", "== a\n-- in.csv\nuser=\"u1"} {
		if _, err := parseFaults(bad); err == nil || !strings.Contains(err.Error(), "line") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestDifferences: an event that is missing, another, one too many, and one in another place are told; in any order they are not.
func TestDifferences(t *testing.T) {
	a := bellwether.Event{ID: "m#2", Subject: "ann", Item: "shoe", Quantity: 3, Price: bellwether.Money{Amount: 1050, Currency: "EUR"}, Traits: map[string]any{"n": 2.5}}
	b := bellwether.Event{ID: "m", Subject: "bob"}
	want := func(lines ...string) (out [][]said) {
		for _, l := range lines {
			p, err := parseParts(l)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, p)
		}
		return out
	}
	full := "id=m user=ann item=shoe quantity=3 price=10.50EUR revenue=31.50EUR trait.n=2.5 order="
	for _, test := range []struct {
		want    [][]said
		got     []bellwether.Event
		ordered bool
		wrong   int
	}{
		{want(full, "user=bob"), []bellwether.Event{a, b}, true, 0},
		{want("user=bob", full), []bellwether.Event{a, b}, false, 0},
		{want("user=bob", full), []bellwether.Event{a, b}, true, 2},
		{want(full), []bellwether.Event{a, b}, true, 1},
		{want(full, "user=bob"), []bellwether.Event{a}, true, 2},
		{want("user=ann order=o1"), []bellwether.Event{a}, true, 1},
		{want("user=ann colour=red"), []bellwether.Event{a}, true, 1},
	} {
		if wrong := differences(test.want, test.got, test.ordered); len(wrong) != test.wrong {
			t.Errorf("%v: %v", test.want, wrong)
		}
	}
}
