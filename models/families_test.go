package models

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"bellwether"
	"bellwether/models/dnn"
	"bellwether/models/neighbours"
)

func file(t *testing.T, m bellwether.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func trained(t *testing.T, tr bellwether.Trainer, d *bellwether.Dataset) bellwether.Model {
	t.Helper()
	m, err := tr.Train(t.Context(), d, func(bellwether.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// walk is one person who goes over two items.
func walk() *bellwether.Dataset {
	return &bellwether.Dataset{Sequences: &bellwether.Sequences{
		Items: []bellwether.ItemID{"a", "b"}, Types: []bellwether.EventType{"view_item"}, People: []bellwether.Subject{"ana"},
		Steps: [][]bellwether.Step{{{Item: 0, Time: 1}, {Item: 1, Time: 2}}}, TrainEnd: []int{2},
	}}
}

func TestLoad(t *testing.T) {
	table := &bellwether.Dataset{Table: &bellwether.Table{
		Columns: []bellwether.Column{{Name: "x", Numbers: []float64{0, 1, 0, 1}}}, Target: []float64{0, 1, 0, 1}, Split: make([]bellwether.Split, 4),
	}}
	for _, m := range []bellwether.Model{trained(t, neighbours.Blend{}, walk()), trained(t, dnn.Trainer{Kind: dnn.Majority}, table)} {
		back, err := Load(m.Family(), bytes.NewReader(file(t, m)))
		if err != nil || back.Family() != m.Family() || !bytes.Equal(file(t, back), file(t, m)) {
			t.Errorf("%s: %v", m.Family(), err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	blend := file(t, trained(t, neighbours.Blend{}, walk()))
	for _, c := range []struct {
		family string
		file   io.Reader
		want   string
	}{
		{"astrology", bytes.NewReader(blend), `the family "astrology" is unknown`},
		{"rules", bytes.NewReader(blend), `holds the family "blend"`},
		{"transformer", bytes.NewReader(blend), ""},
		{"ensemble", bytes.NewReader(blend), ""},
		{"dnn", strings.NewReader(""), ""},
	} {
		if m, err := Load(c.family, c.file); err == nil || m != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, error %v, want one that says %q", c.family, m, err, c.want)
		}
	}
}

func TestFamilies(t *testing.T) {
	names := Families()
	for _, want := range []string{"blend", "dnn", "ensemble", "item-knn", "popularity", "transformer"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing of %v", want, names)
		}
	}
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("a family has two loaders: %v", names)
	}
}
