package collect

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bellwether"

	"github.com/google/go-cmp/cmp"
)

// TestInputs imports the files of testdata/inputs: each begins with what must come of it. The part above the line "---" holds
//
//	events, one a line, as tellEvent writes them
//	refused N, where rows are kept aside, and said TEXT, what the report must say
//	fails TEXT, where the file is refused as a whole
//
// and the part below it is the file; in a name that ends in .bin its bytes are written as Go writes them in quotes.
func TestInputs(t *testing.T) {
	files, err := filepath.Glob("testdata/inputs/*")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d inputs, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { tryInput(t, file) })
	}
}

func tryInput(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(string(text), "---\n")
	if strings.HasSuffix(file, ".bin") {
		if body, err = strconv.Unquote(strings.TrimSpace(body)); err != nil {
			t.Fatal(err)
		}
	}
	var want, says []string
	refused, fails := int64(0), ""
	for line := range strings.Lines(head) {
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "", "#":
		case "refused":
			if refused, err = strconv.ParseInt(rest, 10, 64); err != nil {
				t.Fatal(err)
			}
		case "said":
			says = append(says, rest)
		case "fails":
			fails = rest
		default:
			want = append(want, line)
		}
	}
	c, p := inStore(t)
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	r, err := c.Import(t.Context(), strings.NewReader(body), ImportOptions{Name: name}, nil)
	if fails != "" {
		if err == nil || !strings.Contains(err.Error(), fails) {
			t.Errorf("%v, %+v; want %q", err, r.Result, fails)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	holds(t, c, r.Result, r.Rows)
	if r.Rejected != refused {
		t.Errorf("%d refused, want %d: %+v", r.Rejected, refused, r.Examples)
	}
	told := strings.Join(r.Notes, "\n")
	for _, e := range r.Examples {
		told += "\n" + e.Reason
	}
	for _, s := range says {
		if !strings.Contains(told, s) {
			t.Errorf("the report says %q, without %q", told, s)
		}
	}
	var got []string
	for _, e := range logged(t, p) {
		got = append(got, tellEvent(&e))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// tellEvent writes what an event says, in one order.
func tellEvent(e *bellwether.Event) string {
	who := string(e.Subject)
	if e.Anonymous != "" {
		who += "~" + string(e.Anonymous)
	}
	out := []string{string(e.Type), who, e.Occurred.UTC().Format(time.RFC3339Nano)}
	add := func(format string, value any, said bool) {
		if said {
			out = append(out, fmt.Sprintf(format, value))
		}
	}
	add("item=%s", e.Item, e.Item != "")
	add("pieces=%d", e.Quantity, e.Quantity > 1)
	add("%s", strings.ReplaceAll(e.Price.String(), " ", ""), !e.Price.IsZero())
	add("value=%v", e.Value, e.Value != 0)
	add("order=%s", e.Order, e.Order != "")
	add("channel=%s", e.Channel, e.Channel != "")
	add("campaign=%q", e.Campaign, e.Campaign != "")
	add("consent=%v", e.Consent, e.Consent != nil)
	for _, k := range slices.Sorted(maps.Keys(e.Traits)) {
		out = append(out, fmt.Sprintf("%s=%#v", k, e.Traits[k]))
	}
	return strings.Join(out, " ")
}
