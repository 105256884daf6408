package sequence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bellwether"
	"bellwether/tensor/nn"
)

var update = flag.Bool("update", false, "keep what is in the ONNX files that onnxruntime has just confirmed")

const pythonFolder = "../../python"

// python returns an interpreter that can import PyTorch: BELLWETHER_PYTHON, which must have it, or python3.
func python(t *testing.T) string {
	t.Helper()
	name := os.Getenv("BELLWETHER_PYTHON")
	given := name != ""
	if !given {
		name = "python3"
	}
	const find = "import importlib.util as u, sys; sys.exit(not (u.find_spec('torch') and u.find_spec('numpy')))"
	if err := exec.Command(name, "-c", find).Run(); err != nil {
		if given {
			t.Fatalf("BELLWETHER_PYTHON=%s lacks torch or numpy (%v): pip install -r python/requirements.txt", name, err)
		}
		t.Skip("there is no python3 with torch and numpy: the fixtures of testdata stand in; BELLWETHER_PYTHON names another interpreter")
	}
	return name
}

// pythonCase is one model with histories, and what PyTorch and onnxruntime say of them.
type pythonCase struct {
	Name      string               `json:"name,omitempty"`
	Model     string               `json:"model"` // file
	ONNX      string               `json:"onnx"`  // file
	Copy      string               `json:"copy"`  // file that PyTorch writes
	Histories [][][7]int64         `json:"histories"`
	People    []bellwether.Subject `json:"people,omitempty"`
	pythonAnswer
	model *Model
}

type pythonAnswer struct {
	Scores [][]float32            `json:"scores,omitempty"`
	Tasks  []map[string][]float32 `json:"tasks,omitempty"`
}

// The files in testdata were written by "python/check.py fixture": PyTorch saved the weights.
func TestWeightsOfPyTorchLoad(t *testing.T) {
	confirmed := map[string]exported{}
	readJSON(t, "testdata/onnx.json", &confirmed)
	for _, c := range fixtures(t) {
		t.Run(c.Name, func(t *testing.T) {
			c.check(t, "PyTorch", c.pythonAnswer)
			if got := export(t, c.model); !got.equal(confirmed[c.Name]) {
				t.Errorf("the ONNX file is not the one that onnxruntime confirmed: run this package's tests with PyTorch, onnxruntime and -update")
			}
		})
	}
}

// Bellwether, PyTorch and onnxruntime agree on weights that Bellwether wrote and
// on those that PyTorch wrote, and what PyTorch saves again is the same model.
func TestPythonAgrees(t *testing.T) {
	interpreter, dir := python(t), t.TempDir()
	cases := append(fixtures(t), randomCases(t, dir)...)
	for i := range cases {
		c := &cases[i]
		c.ONNX, c.Copy = filepath.Join(dir, fmt.Sprint(i, ".onnx")), filepath.Join(dir, fmt.Sprint(i, ".safetensors"))
		if err := os.WriteFile(c.ONNX, c.onnx(t), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	confirmed := map[string]exported{}
	for i, a := range ask[pythonCase, compared](t, interpreter, "compare", cases) {
		c := &cases[i]
		t.Run(c.Name, func(t *testing.T) {
			c.check(t, "PyTorch", a.Torch)
			if a.ONNX != nil {
				c.check(t, "onnxruntime", *a.ONNX)
			}
			again := loadFile(t, c.Copy)
			if !bytes.Equal(saved(t, again), saved(t, c.model)) {
				t.Error("what PyTorch saved again is another model")
			}
			if a.ONNX != nil && !t.Failed() && strings.HasPrefix(c.Model, "testdata") {
				confirmed[c.Name] = export(t, c.model)
			}
		})
	}
	if *update {
		writeJSON(t, "testdata/onnx.json", confirmed)
	}
}

type compared struct {
	Torch pythonAnswer
	ONNX  *pythonAnswer // nil without onnxruntime
}

// ask has check.py answer each part of a request.
func ask[Q, A any](t *testing.T, interpreter, command string, request []Q) []A {
	t.Helper()
	text, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter, pythonFolder+"/check.py", command)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), &stderr
	if text, err = cmd.Output(); err != nil {
		t.Fatalf("python: %v\n%s", err, &stderr)
	}
	var answers []A
	if err := json.Unmarshal(text, &answers); err != nil || len(answers) != len(request) {
		t.Fatalf("python answered %d of %d: %v\n%.200s", len(answers), len(request), err, text)
	}
	return answers
}

func tryFile(name string) (*Model, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Load(f)
}

func fixtures(t *testing.T) []pythonCase {
	t.Helper()
	var cases []pythonCase
	readJSON(t, "testdata/python.json", &cases)
	for i := range cases {
		c := &cases[i]
		c.Model = "testdata/python-" + c.Name + ".safetensors"
		c.model = loadFile(t, c.Model)
	}
	return cases
}

// randomCases are models of every kind with weights that are large enough to tell layers apart.
func randomCases(t *testing.T, dir string) []pythonCase {
	t.Helper()
	types := []bellwether.EventType{"view_item", "purchase"}
	var items []bellwether.ItemID
	for i := range 30 {
		items = append(items, bellwether.ItemID(fmt.Sprint("item ", i)))
	}
	plain := Settings{Dim: 16, Blocks: 1, Heads: 2, Length: 9, Loss: "full"}
	var cases []pythonCase
	for name, change := range map[string]func(s *Settings){
		"no gates":        func(s *Settings) { s.Blocks, s.Heads = 3, 4 },
		"no blocks":       func(s *Settings) { s.Blocks = 0 },
		"swiglu":          func(s *Settings) { s.SwiGLU, s.Gated, s.Hidden = true, true, 24 },
		"rmsnorm":         func(s *Settings) { s.RMSNorm, s.Fields = true, []string{"hour", "gap"} },
		"one of 4":        func(s *Settings) { s.Experts, s.Gated = 4, true },
		"two of 4":        func(s *Settings) { s.Experts, s.Top, s.Tasks = 4, 2, map[string]float32{"wait": .1} },
		"hashed":          func(s *Settings) { s.Hash = &Hash{Rows: 20, Width: 6} },
		"fields":          func(s *Settings) { s.Fields, s.Content = fieldNames, true },
		"hashed, content": func(s *Settings) { s.Hash, s.Content = &Hash{Rows: 20, Width: 6}, true },
		"hashed, own rows, people, dense block": func(s *Settings) {
			s.Hash, s.Experts, s.Blocks, s.DenseBlocks = &Hash{Rows: 20, Width: 6, Own: 4, People: true}, 3, 2, 1
		},
	} {
		s := plain
		change(&s)
		rng := rand.New(rand.NewPCG(3, 4))
		v := vocabulary{items: items, types: types}
		if s.Content {
			v.channels, v.campaigns = []bellwether.Channel{"email", "search"}, []bellwether.CampaignID{"spring"}
			v.content = make([]float32, 4*len(items))
			v.prices = prices{bounds: make([]float32, 2*(priceShares-1)), groups: make([]float32, len(items))}
			for i := range v.content {
				v.content[i], v.prices.groups[i/4] = float32(rng.NormFloat64()), float32(i/4%2)
			}
			for i := range v.prices.bounds {
				v.prices.bounds[i] = float32(500 * (i % (priceShares - 1)))
			}
		}
		m := newModel(s, v, 3)
		for _, p := range m.params {
			for i := range p.Value {
				p.Value[i] += float32(rng.NormFloat64()) * .4
			}
		}
		for i := range m.popularity {
			m.popularity[i] = -float32(i)
		}
		if h := m.embedding.hashed; h != nil && h.Own > 0 {
			m.own = make([]byte, len(items))
			m.own[2], m.own[29], m.own[11] = 1, 1, 1
			h.give(m.own)
		}
		m.pack()
		c := pythonCase{Name: name, Model: filepath.Join(dir, name), model: m, Histories: [][][7]int64{{}}}
		if err := os.WriteFile(c.Model, saved(t, m), 0o600); err != nil {
			t.Fatal(err)
		}
		for n := range 12 {
			c.Histories = append(c.Histories, nil)
			for range n + 1 {
				c.Histories[n+1] = append(c.Histories[n+1], [7]int64{rng.Int64N(31) - 1, rng.Int64N(2), rng.Int64N(5), rng.Int64N(9000), rng.Int64N(2e9) - 1e9, rng.Int64N(int64(len(m.channels)) + 1), rng.Int64N(int64(len(m.campaigns)) + 1)})
			}
		}
		if s.Hash != nil && s.Hash.People {
			for i := range c.Histories {
				c.People = append(c.People, bellwether.Subject([]string{"", "ann", "böb"}[i%3]))
			}
		}
		cases = append(cases, c)
	}
	return cases
}

// check holds the model's scores and tasks to an answer of Python.
func (c *pythonCase) check(t *testing.T, who string, want pythonAnswer) {
	t.Helper()
	worst := 0.0
	differ := func(what string, got, want []float32) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %d values, %s has %d", what, len(got), who, len(want))
		}
		for i, w := range want {
			d := math.Abs(float64(got[i]-w)) / max(1, math.Abs(float64(w)))
			worst = max(worst, d)
			if !(d <= 1e-4) {
				t.Fatalf("%s[%d] is %g, %s says %g", what, i, got[i], who, w)
			}
		}
	}
	for i, rows := range c.Histories {
		steps := stepsOf(rows)
		row := make([]float32, len(c.model.items))
		var who []bellwether.Subject
		if c.People != nil {
			who = c.People[i : i+1]
		}
		if err := c.model.ScoreAs(context.Background(), who, [][]bellwether.Step{steps}, [][]float32{row}); err != nil {
			t.Fatal(err)
		}
		if want.Scores[i] != nil {
			differ(fmt.Sprintf("scores of history %d", i), row, want.Scores[i])
		}
		forecast, err := c.model.Forecast(context.Background(), [][]bellwether.Step{steps})
		if err != nil {
			t.Fatal(err)
		}
		if x := want.Tasks[i]["type"]; x != nil {
			differ("type", singles(forecast[0].Types), singles(shares(x)))
		}
		if x := want.Tasks[i]["wait"]; x != nil {
			differ("wait", singles(forecast[0].Waits), singles(waits(x)))
		}
	}
	t.Logf("%s: the largest difference is %.2g", who, worst)
}

func stepsOf(rows [][7]int64) []bellwether.Step {
	var out []bellwether.Step
	for _, r := range rows {
		out = append(out, bellwether.Step{Item: int32(r[0]), Type: uint8(r[1]), Quantity: int32(r[2]), Price: r[3], Time: r[4], Channel: uint8(r[5]), Campaign: uint16(r[6])})
	}
	return out
}

func singles(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

func (c *pythonCase) onnx(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteONNX(&b, c.model); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func saved(t *testing.T, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func loadFile(t *testing.T, name string) *Model {
	t.Helper()
	m, err := tryFile(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}

// exported is what an ONNX file without its metadata holds. The vectors of hashed
// items are computed, so that they are not the same bits at every level of instructions.
type exported struct {
	Digest string    `json:"digest"`          // of the file, with nought for what is computed
	Items  []float32 `json:"items,omitempty"` // what is computed
}

func export(t *testing.T, m *Model) (e exported) {
	t.Helper()
	if m.embedding.hashed != nil {
		table := m.table
		defer func() { m.table = table }()
		e.Items, m.table = table.Value, &nn.Param{Name: table.Name, Shape: table.Shape, Value: make([]float32, len(table.Value))}
	}
	g, err := m.graph()
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	if err := g.Write(h, nil); err != nil {
		t.Fatal(err)
	}
	e.Digest = hex.EncodeToString(h.Sum(nil))
	return e
}

func (e exported) equal(to exported) bool {
	return e.Digest == to.Digest && slices.EqualFunc(e.Items, to.Items, func(a, b float32) bool {
		return math.Abs(float64(a-b)) <= 2e-5*max(1, math.Abs(float64(b)))
	})
}

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func writeJSON(t *testing.T, name string, v any) {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}
