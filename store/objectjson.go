package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

// PutJSON stores v under name as a JSON document.
func (o *Objects) PutJSON(ctx context.Context, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return o.Put(ctx, name, bytes.NewReader(b))
}

// GetJSON reads the JSON document that is stored under name into v, or returns ErrNotFound.
func (o *Objects) GetJSON(ctx context.Context, name string, v any) error {
	f, err := o.Get(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(v); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}
