package sequence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"bellwether"
)

// sideCard is the JSON that lies beside an exported model: what people and
// programs want to know before they open it.
type sideCard struct {
	Family     string                  `json:"family"`
	Version    bellwether.ModelVersion `json:"version,omitempty"`
	Trained    time.Time               `json:"trained,omitzero"`
	Settings   Settings                `json:"settings"`
	Parameters int64                   `json:"parameters"`
	Shapes     map[string][]int        `json:"shapes"` // by array
	Items      idDigest                `json:"items"`
	Types      idDigest                `json:"types"`
	Data       bellwether.CardData     `json:"data"`    // the range that it learned from
	Figures    []bellwether.CardRow    `json:"figures"` // this model and what it was compared with
}

// idDigest tells vocabularies apart.
type idDigest struct {
	Count  int    `json:"count"`
	SHA256 string `json:"sha256"` // of the ids in their order, each followed by a zero byte
}

func digestOf[T ~string](ids []T) idDigest {
	h := sha256.New()
	for _, id := range ids {
		h.Write([]byte(string(id) + "\x00"))
	}
	return idDigest{len(ids), hex.EncodeToString(h.Sum(nil))}
}

// WriteCard writes the JSON card of m: its settings, the shapes of its arrays, the
// digests of its vocabularies, and from trained what it learned from and how good it is.
func WriteCard(w io.Writer, m *Model, trained bellwether.Card) error {
	c := sideCard{
		Family: Family, Version: trained.Version, Trained: trained.Trained, Settings: m.settings, Parameters: m.Parameters(),
		Shapes: map[string][]int{}, Items: digestOf(m.items), Types: digestOf(m.types),
		Data: trained.Data, Figures: trained.Rows,
	}
	for _, p := range m.params {
		c.Shapes[p.Name] = p.Shape
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(c); err != nil {
		return fmt.Errorf("sequence: writing the card: %w", err)
	}
	return nil
}
