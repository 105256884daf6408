package sequence

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bellwether/tensor/nn"
)

// Settings say what a model is made of and how it is trained. They are data: a
// model file holds them, presets.json is a table of those that have a name, and
// ReadSettings takes them from anybody's file.
type Settings struct {
	Dim     int      `json:"dim"`    // width of a token
	Blocks  int      `json:"blocks"` // Transformer blocks
	Heads   int      `json:"heads"`  // of attention, a divisor of Dim
	Hidden  int      `json:"hidden"` // width of the feed-forward's middle, 0: 4·Dim
	Gated   bool     `json:"gated"`  // LiGR's gates
	SwiGLU  bool     `json:"swiglu,omitempty"`
	RMSNorm bool     `json:"rmsnorm,omitempty"`
	Experts int      `json:"experts,omitempty"` // feed-forwards of a block of which each token uses Top, 0: one for all
	Top     int      `json:"top,omitempty"`     // 1 or 2, 0: 1
	Length  int      `json:"length"`            // events of a history that are looked at, the latest; 0: 50, 100 or 200 by the data
	Fields  []string `json:"fields,omitempty"`  // beside item and position: see fieldRows; null: those that the data have
	Content bool     `json:"content,omitempty"` // tokens hold what is known of their items: Sequences.Content
	Dropout float32  `json:"dropout"`
	Delete  float32  `json:"delete,omitempty"` // share of a history's events that a pass of training leaves out

	DenseBlocks int   `json:"dense_blocks,omitempty"` // the first so many blocks have one feed-forward, not Experts
	Hash        *Hash `json:"hash,omitempty"`         // nil: each item has a row of its own

	Tasks map[string]float32 `json:"tasks,omitempty"` // heads beside the next item, "type" and "wait", with the weights of their losses; null: those that the data have answers for

	Loss        string  `json:"loss"`                  // "full", "sampled", "bce" or "gbce"
	Negatives   int     `json:"negatives,omitempty"`   // of the sampled losses
	Calibration float32 `json:"calibration,omitempty"` // t of gbce
	Rate        float64 `json:"rate"`                  // of Adam
	Warmup      int     `json:"warmup,omitempty"`      // steps
	WeightDecay float32 `json:"weight_decay,omitempty"`
	Clip        float64 `json:"clip,omitempty"`       // largest norm of a gradient
	Average     float32 `json:"average,omitempty"`    // decay of the exponential average of weights, 0: none
	Batch       int     `json:"batch"`                // people a batch
	Accumulate  int     `json:"accumulate,omitempty"` // batches a step, 0: one

	Optimizers []Rule `json:"optimizers,omitempty"` // of some parameters; the others have Adam

	Steps     int  `json:"steps,omitempty"`       // of the optimiser after which validation was best: what was learned, not what to do
	OutOfTime bool `json:"out_of_time,omitempty"` // the minutes ended the training, so that more of them, or a faster machine, give another model
}

// Rule says how the parameters whose names hold Of are optimised, unless a rule
// before it did: by "adagrad", which keeps one number a row of a table,
// "adafactor" or "adam", at Rate times the rate of the settings.
type Rule struct {
	Of        string  `json:"of"`
	Optimizer string  `json:"optimizer"`
	Rate      float32 `json:"rate"`
}

// Largest settings that are accepted.
const (
	maxDim     = 1 << 14
	maxBlocks  = 1 << 8
	maxLength  = 1 << 16
	maxExperts = 1 << 10
)

func (s *Settings) check() error {
	switch {
	case s.Dim <= 0 || s.Dim > maxDim:
		return fmt.Errorf("sequence: dim is %d", s.Dim)
	case s.Blocks < 0 || s.Blocks > maxBlocks:
		return fmt.Errorf("sequence: blocks is %d", s.Blocks)
	case s.Heads <= 0 || s.Dim%s.Heads != 0:
		return fmt.Errorf("sequence: %d heads do not divide dim %d", s.Heads, s.Dim)
	case s.Hidden < 0 || s.Hidden > 16*maxDim:
		return fmt.Errorf("sequence: hidden is %d", s.Hidden)
	case s.Experts < 0 || s.Experts > maxExperts || s.Top < 0 || s.Top > 2:
		return fmt.Errorf("sequence: %d experts of which a token uses %d", s.Experts, s.Top)
	case s.DenseBlocks < 0:
		return fmt.Errorf("sequence: dense_blocks is %d", s.DenseBlocks)
	case s.Length < 0 || s.Length > maxLength:
		return fmt.Errorf("sequence: length is %d", s.Length)
	case s.Dropout < 0 || s.Dropout >= 1:
		return fmt.Errorf("sequence: dropout is %g: it must be at least 0 and below 1", s.Dropout)
	case s.Delete < 0 || s.Delete >= 1:
		return fmt.Errorf("sequence: delete is %g: it must be at least 0 and below 1", s.Delete)
	}
	if err := s.Hash.check(); err != nil {
		return err
	}
	for i, f := range s.Fields {
		if _, ok := fieldRows[f]; !ok || slices.Contains(s.Fields[:i], f) {
			return fmt.Errorf("sequence: field %q is unknown or named twice: there are %v", f, fieldNames)
		}
	}
	for name, weight := range s.Tasks {
		if _, ok := taskKinds[name]; !ok || !(weight > 0) {
			return fmt.Errorf("sequence: task %q of weight %g: there are %v, with weights above 0", name, weight, slices.Sorted(maps.Keys(taskKinds)))
		}
	}
	return nil
}

// looksAt says whether tokens hold a field.
func (s *Settings) looksAt(field string) bool { return slices.Contains(s.Fields, field) }

func (s *Settings) checkTraining() error {
	switch {
	case s.Batch <= 0:
		return fmt.Errorf("sequence: batch is %d", s.Batch)
	case !(s.Rate > 0):
		return fmt.Errorf("sequence: rate is %g", s.Rate)
	case s.Loss != "full" && s.Negatives <= 0:
		return fmt.Errorf("sequence: loss %q needs negatives", s.Loss)
	case s.Loss == "full" && s.Hash != nil:
		return fmt.Errorf("sequence: hashed items need a sampled loss, not %q", s.Loss)
	}
	if _, err := s.optimizer(nil); err != nil {
		return err
	}
	_, err := s.loss(2)
	return err
}

// optimizer moves ps by the rules.
func (s *Settings) optimizer(ps nn.Params) (nn.Optimizer, error) {
	var groups nn.Groups
	rest := slices.Clone(ps)
	for _, rule := range append(slices.Clone(s.Optimizers), Rule{"", "adam", 1}) {
		if !(rule.Rate > 0) {
			return nil, fmt.Errorf("sequence: the optimiser of %q has rate %g", rule.Of, rule.Rate)
		}
		var mine nn.Params
		rest = slices.DeleteFunc(rest, func(p *nn.Param) bool {
			take := strings.Contains(p.Name, rule.Of)
			if take {
				mine = append(mine, p)
			}
			return take
		})
		switch rule.Optimizer {
		case "adam":
			groups = append(groups, nn.Group{Optimizer: nn.NewAdam(mine, nn.Adam{WeightDecay: s.WeightDecay}), Rate: rule.Rate})
		case "adagrad":
			groups = append(groups, nn.Group{Optimizer: nn.NewAdaGrad(mine, nn.AdaGrad{RowWise: true}), Rate: rule.Rate})
		case "adafactor":
			groups = append(groups, nn.Group{Optimizer: nn.NewAdafactor(mine, nn.Adafactor{Floor: 1e-15, WeightDecay: s.WeightDecay}), Rate: rule.Rate})
		default:
			return nil, fmt.Errorf("sequence: no optimiser is called %q: there are adam, adagrad, adafactor", rule.Optimizer)
		}
	}
	return groups, nil
}

// loss returns the loss over so many items.
func (s *Settings) loss(items int) (nn.NextItem, error) {
	sampled := func(o nn.Objective) nn.NextItem {
		return &nn.Sampled{Objective: o, Items: items, Negatives: s.Negatives, Calibration: s.Calibration}
	}
	switch s.Loss {
	case "full":
		return nn.FullSoftmax{Items: items}, nil
	case "sampled":
		return sampled(nn.SampledSoftmax), nil
	case "bce":
		return sampled(nn.SampledBCE), nil
	case "gbce":
		return sampled(nn.GBCE), nil
	}
	return nil, fmt.Errorf("sequence: no loss is called %q: there are full, sampled, bce, gbce", s.Loss)
}
