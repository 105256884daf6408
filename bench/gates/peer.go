package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// peer trains PyTorch's SASRec on d for as long as we did, with the settings of
// docs/science.md's trunk row, and returns its figures.
func (r *runner) peer(d *realFile) (figures, error) {
	args := []string{
		filepath.Join(filepath.Dir(r.data), "peers", "sasrec_torch.py"), "--data", r.data, "--seconds", fmt.Sprint(60 * r.minutesOf(d)),
		"--threads", "2", "--ligr", "--blocks", "1", "--dropout", ".4", "--set",
	}
	if d.timed {
		// By itself the script has ties in time in the order of the items' numbers: other events would be the targets.
		file := filepath.Join(r.folder, d.name+".txt")
		if err := writeInOrder(file, r.path(d)); err != nil {
			return figures{}, err
		}
		args = append(args, "file", "--file", file, "--maxlen", "200")
	} else {
		args = append(args, d.name)
	}
	out, err := r.command(".", nil, r.python, args...)
	if err != nil {
		return figures{}, err
	}
	return peerFigures(out)
}

// peerFigures reads the last line that the script prints.
func peerFigures(out []byte) (figures, error) {
	out = bytes.TrimSpace(out)
	var line struct {
		Best struct {
			Test struct {
				Unseen struct {
					HR   float64 `json:"hr10"`
					NDCG float64 `json:"ndcg10"`
				}
			}
		} `json:"best_by_validation"`
	}
	err := json.Unmarshal(out[bytes.LastIndexByte(out, '\n')+1:], &line)
	f := figures{line.Best.Test.Unseen.HR, line.Best.Test.Unseen.NDCG}
	if err != nil || f == (figures{}) {
		return f, fmt.Errorf("sasrec_torch.py printed no figures: %.500s: %w", out, err)
	}
	return f, nil
}

// writeInOrder writes "person item" lines in the order of time, ties in the order
// of the source, whose lines are person, item, rating and time below a header.
func writeInOrder(name, source string) error {
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(z); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	type event struct {
		line string
		time int64
	}
	var events []event
	for i, line := range strings.Split(strings.TrimSpace(text.String()), "\n")[1:] {
		fields := strings.Fields(line)
		if len(fields) != 4 {
			return fmt.Errorf("%s: line %d has %d fields, not person, item, rating and time", source, i+2, len(fields))
		}
		at, err := strconv.ParseInt(fields[3], 10, 64)
		if err != nil {
			return fmt.Errorf("%s: line %d: %w", source, i+2, err)
		}
		events = append(events, event{fields[0] + " " + fields[1] + "\n", at})
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.time, b.time) })
	text.Reset()
	for _, e := range events {
		text.WriteString(e.line)
	}
	return os.WriteFile(name, text.Bytes(), 0o600)
}
