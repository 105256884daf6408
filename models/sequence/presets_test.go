package sequence

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every preset is settings that anybody could have written, and none says what is no setting.
func TestPresets(t *testing.T) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(presetsFile, &all); err != nil {
		t.Fatal(err)
	}
	for name, text := range all {
		s, err := ReadSettings(strings.NewReader(string(text)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		named, err := Preset(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(s, named); diff != "" {
			t.Errorf("%s is read in two ways:\n%s", name, diff)
		}
	}
	base, err := Preset("")
	if err != nil || base.Dim != 64 || !base.Gated {
		t.Errorf("without a name: %+v, %v", base, err)
	}
	if _, err := Preset("huge"); err == nil || !strings.Contains(err.Error(), "base, large, tiny") {
		t.Errorf("error %v does not say which presets there are", err)
	}
}

func TestReadSettingsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"dim": 32, "bloks": 1}`:                     "bloks",
		`{"dim": 32, "heads": 5}`:                     "5 heads do not divide dim 32",
		`{"dim": 32, "heads": 1, "loss": "full"}`:     "batch is 0",
		`{"dim": 32, "heads": 1, "tasks": {"age":1}}`: `task "age"`,
		`[]`: "one JSON object",
		``:   "one JSON object",
		`{"dim": 32, "heads": 1, "batch": 8, "rate": 1, "loss": "hinge"}`: `"hinge"`,
	} {
		if _, err := ReadSettings(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one of %s", text, err, want)
		}
	}
}

// Heads are trained on what the data can answer.
func TestChoosesTasksByTheData(t *testing.T) {
	s := small()
	m, err := Trainer{Settings: s, Epochs: 1}.Train(t.Context(), walks(20, 5), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]float32{"type": headWeight, "wait": headWeight}, m.(*Model).Settings().Tasks); diff != "" {
		t.Error(diff)
	}
	d := walks(20, 5)
	d.Sequences.Types = d.Sequences.Types[:1]
	for _, steps := range d.Sequences.Steps {
		for i := range steps {
			steps[i].Type, steps[i].Time = 0, 7
		}
	}
	if m, err = (Trainer{Settings: s, Epochs: 1}).Train(t.Context(), d, nil); err != nil || len(m.(*Model).Settings().Tasks) != 0 {
		t.Errorf("tasks %v of steps of one type at one time: %v", m.(*Model).Settings().Tasks, err)
	}
}
