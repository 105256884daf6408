package dataset

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bellwether"
)

func length(v []float32) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Round(1e5*math.Sqrt(sum)) / 1e5
}

func cosine(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// Items that share rare words are more alike than those that share what all have.
func TestContentTellsWhatIsAlike(t *testing.T) {
	item := func(title, brand string, features ...float32) *bellwether.Item {
		return &bellwether.Item{Title: title, Brand: brand, Attributes: map[string]string{"shop": "ours"}, Features: features}
	}
	items := []*bellwether.Item{
		item("Walnut desk, oiled", "Ada", 3, 4), item("Walnut shelf", "ADA", 0, 2), item("Garden hose", "Bo", 1, 0), item("Steel rake", "Bo", 1, 2, 3), nil,
	}
	v := content(items)
	const width = hashedWidth + 2
	row := func(i int) []float32 { return v[i*width : i*width+hashedWidth] }
	if len(v) != 5*width {
		t.Fatalf("%d numbers, want the words and two imported ones of each of 5 items", len(v))
	}
	if near, far := cosine(row(0), row(1)), cosine(row(0), row(2)); near < .2 || far > near/2 {
		t.Errorf("walnut things are %.3f alike, a desk and a hose %.3f", near, far)
	}
	if diff := cmp.Diff([]float32{.6, .8, 0, 1, 1, 0, 0, 0, 0, 0}, []float32{
		v[hashedWidth], v[hashedWidth+1], v[width+hashedWidth], v[width+hashedWidth+1], v[2*width+hashedWidth], v[2*width+hashedWidth+1],
		v[3*width+hashedWidth], v[3*width+hashedWidth+1], v[5*width-2], v[5*width-1],
	}); diff != "" {
		t.Errorf("imported vectors (-want +got):\n%s", diff)
	}
	if length(row(3)) != 1 || length(row(4)) != 0 {
		t.Errorf("lengths %v and %v", length(row(3)), length(row(4)))
	}
	if diff := cmp.Diff(v, content(items)); diff != "" {
		t.Error("the same items have other vectors")
	}
	if content([]*bellwether.Item{nil, {ID: "bare"}}) != nil {
		t.Error("there are vectors of which nothing is known")
	}
}
