package sequence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"bellwether/tensor/nn"
)

// PyTorch's loader refuses what Load refuses, with a ValueError and without
// taking the memory that a file claims.
func TestPythonRefuses(t *testing.T) {
	interpreter, dir := python(t), t.TempDir()
	good, err := os.ReadFile("testdata/python-plain.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	add := func(content []byte) {
		files = append(files, filepath.Join(dir, fmt.Sprint(len(files))))
		if err := os.WriteFile(files[len(files)-1], content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for at := 0; at < len(good); at += 101 {
		add(good[:at])
		altered := bytes.Clone(good)
		altered[at] ^= 1 << (at % 8)
		add(altered)
	}
	for _, content := range forged(t, good) {
		add(content)
	}
	for i, name := range files {
		if _, err := tryFile(name); err == nil {
			t.Errorf("Go loads file %d", i)
		}
	}
	add(good)
	for i, why := range ask[string, *string](t, interpreter, "refuse", files) {
		if (why == nil) != (i == len(files)-1) {
			t.Errorf("file %d of %d: refused for %v", i, len(files), why)
		}
	}
}

// forged are files with right checksums and wrong contents.
func forged(t *testing.T, good []byte) [][]byte {
	t.Helper()
	var out [][]byte
	spoil := func(change func(settings map[string]any, w *nn.Weights) (family string)) {
		w, err := nn.ReadWeights(bytes.NewReader(good))
		if err != nil {
			t.Fatal(err)
		}
		var c map[string]any
		if err := json.Unmarshal(w.Card, &c); err != nil {
			t.Fatal(err)
		}
		if family := change(c["settings"].(map[string]any), w); family != "" {
			c["family"] = family
		}
		var b bytes.Buffer
		if err := nn.WriteWeights(&b, c, w.Arrays); err != nil {
			t.Fatal(err)
		}
		out = append(out, b.Bytes())
	}
	spoil(func(map[string]any, *nn.Weights) string { return "dnn" })
	for key, values := range map[string][]any{
		"dim": {0, 3, 1e9, "x"}, "blocks": {2, 1e9}, "heads": {0, 3}, "length": {6, 1e12}, "experts": {2, 1e9},
		"fields": {[]string{"colour"}, "x"}, "tasks": {map[string]any{"mood": 1}}, "hidden": {1e12},
	} {
		for _, v := range values {
			spoil(func(s map[string]any, _ *nn.Weights) string { s[key] = v; return "" })
		}
	}
	for _, vocabulary := range []string{"", "7", `["a"]`, `{}`, `[[[[`} {
		spoil(func(_ map[string]any, w *nn.Weights) string {
			a := w.Array("vocabulary")
			a.Bytes, a.Shape = []byte(vocabulary), []int{len(vocabulary)}
			return ""
		})
	}
	spoil(func(_ map[string]any, w *nn.Weights) string { w.Arrays = w.Arrays[1:]; return "" })
	spoil(func(_ map[string]any, w *nn.Weights) string { w.Array("vocabulary").Name = "words"; return "" })
	return out
}
