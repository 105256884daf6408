package sequence

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// presetsFile holds the settings that have a name. base is what reaches docs/science.md
// §2's row of the Transformer; large is its model of a billion parameters.
//
//go:embed presets.json
var presetsFile []byte

// Preset returns the settings of that name; "" means "base".
func Preset(name string) (Settings, error) {
	if name == "" {
		name = "base"
	}
	var presets map[string]Settings
	if err := json.Unmarshal(presetsFile, &presets); err != nil {
		return Settings{}, fmt.Errorf("sequence: reading the presets: %w", err)
	}
	s, ok := presets[name]
	if !ok {
		return s, fmt.Errorf("sequence: no preset is called %q: there are %s; a file of settings ends in .json", name, strings.Join(slices.Sorted(maps.Keys(presets)), ", "))
	}
	return s, nil
}

// ReadSettings reads one JSON object of settings and checks that a model can be
// trained with them. What a preset would leave to the data can be left out here.
func ReadSettings(r io.Reader) (Settings, error) {
	var s Settings
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, fmt.Errorf("sequence: settings are one JSON object like those of presets.json: %w", err)
	}
	if err := s.check(); err != nil {
		return s, err
	}
	return s, s.checkTraining()
}
