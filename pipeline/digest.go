package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"bellwether"
)

// digest is the SHA-256 of what a dataset holds, whenever it was made.
func digest(d *bellwether.Dataset) (string, error) {
	h := sha256.New()
	err := json.NewEncoder(h).Encode([]string{string(d.Project), d.Name})
	if s := d.Sequences; s != nil && err == nil {
		err = digestSequences(h, s)
	}
	if t := d.Table; t != nil && err == nil {
		err = digestTable(h, t)
	}
	if err != nil {
		return "", fmt.Errorf("summing the dataset: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// digestSequences writes texts as JSON, with their number, and then numbers as they are.
func digestSequences(w io.Writer, s *bellwether.Sequences) error {
	texts := []any{s.Items, s.Types, s.Channels, s.Campaigns, s.Categories, s.People, s.TrainEnd}
	if err := json.NewEncoder(w).Encode(texts); err != nil {
		return err
	}
	for _, steps := range s.Steps {
		if err := writeNumbers(w, int64(len(steps)), steps); err != nil {
			return err
		}
	}
	return writeNumbers(w, int64(len(s.Content)), s.Content, int64(len(s.Validation)), s.Validation, int64(len(s.Test)), s.Test)
}

func digestTable(w io.Writer, t *bellwether.Table) error {
	if err := json.NewEncoder(w).Encode([]any{t.Subjects, t.Positive}); err != nil {
		return err
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		if err := json.NewEncoder(w).Encode([]any{c.Name, c.Categorical(), c.Levels}); err != nil {
			return err
		}
		if err := writeNumbers(w, int64(len(c.Numbers)), c.Numbers, int64(len(c.Codes)), c.Codes); err != nil {
			return err
		}
	}
	return writeNumbers(w, int64(len(t.Target)), t.Target, int64(len(t.Split)), t.Split)
}

func writeNumbers(w io.Writer, values ...any) error {
	for _, v := range values {
		if err := binary.Write(w, binary.LittleEndian, v); err != nil {
			return err
		}
	}
	return nil
}
