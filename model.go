package bellwether

import (
	"context"
	"io"
	"time"
)

// Model is a trained artifact. It is safe for concurrent use once trained.
type Model interface {
	// Family names the kind of model and finds its loader: "popularity", "item-knn", "transformer", "dnn", …
	Family() string
	// Save writes the model so that its family's loader restores equal outputs.
	Save(w io.Writer) error
}

// Scorer is a model that scores every item of its vocabulary as the next one.
type Scorer interface {
	Model
	// Items is the vocabulary: position i of a score is Items()[i]. Callers must not change it.
	Items() []ItemID
	// Score writes to out[b] (length len(Items())) the scores of the items that may follow
	// histories[b], higher is likelier. Step.Item indexes Items(). An empty history is allowed.
	Score(ctx context.Context, histories [][]Step, out [][]float32) error
}

// Classifier is a model that gives the probability of the positive class.
type Classifier interface {
	Model
	// Predict returns one probability for each row of t, whose columns are matched by name;
	// a missing column counts as missing values.
	Predict(ctx context.Context, t *Table) ([]float64, error)
}

// Trainer fits one family of models.
type Trainer interface {
	// Family names what it trains.
	Family() string
	// Train fits d's training part. It reports progress, honours ctx (the checkpoint of the
	// last completed epoch is then kept) and returns an error at the first value that is not finite.
	Train(ctx context.Context, d *Dataset, report func(Progress)) (Model, error)
}

// Checkpoint keeps the state of a training run, so that a run that was stopped resumes to the same bits.
type Checkpoint interface {
	// Load opens the newest state; (nil, nil) when there is none.
	Load(ctx context.Context) (io.ReadCloser, error)
	// Store replaces the state by what write writes, atomically.
	Store(ctx context.Context, write func(io.Writer) error) error
}

// Progress is one report of long work.
type Progress struct {
	Step    string        `json:"step"`            // what is being done
	Done    int64         `json:"done"`            // units done
	Total   int64         `json:"total"`           // units in all, 0: unknown
	Elapsed time.Duration `json:"elapsed"`         // since the start of the step
	Loss    float64       `json:"loss,omitempty"`  // training loss, if there is one
	Valid   float64       `json:"valid,omitempty"` // validation metric, if there is one
	Note    string        `json:"note,omitempty"`
}

// Card describes a trained model: what it is, what it learned from and how good it is.
type Card struct {
	Version     ModelVersion   `json:"version"`
	Application string         `json:"application"`
	Family      string         `json:"family"`
	Trained     time.Time      `json:"trained"`
	Data        CardData       `json:"data"`
	Parameters  int64          `json:"parameters"`
	Settings    map[string]any `json:"settings,omitempty"`
	Rows        []CardRow      `json:"rows"` // this model and every baseline, on the same held-out data
	Chosen      string         `json:"chosen"`
	Reason      string         `json:"reason"`
	Warnings    []string       `json:"warnings,omitempty"`
}

// CardData is the range of data that a model learned from.
type CardData struct {
	Digest string    `json:"digest"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Events int64     `json:"events"`
	People int64     `json:"people"`
	Items  int64     `json:"items,omitempty"`
}

// CardRow is one model's figures.
type CardRow struct {
	Name       string              `json:"name"`
	Validation map[string]Estimate `json:"validation"`
	Test       map[string]Estimate `json:"test"`
	FitSeconds float64             `json:"fit_seconds"`
	Baseline   bool                `json:"baseline"`
}

// Estimate is a number as people may see it: never without its interval, or said to be a point.
type Estimate struct {
	Value      float64   `json:"value"`
	Interval   []float64 `json:"interval,omitempty"` // [low, high]; absent: a point estimate
	Level      float64   `json:"level,omitempty"`    // of the interval, such as 0.95
	N          int64     `json:"n"`
	NEffective float64   `json:"n_effective,omitempty"`
	Method     string    `json:"method"`
	Warnings   []string  `json:"warnings,omitempty"`
	Withheld   string    `json:"withheld,omitempty"` // why no verdict may rest on it
}

// Prediction is an answer of a model in service.
type Prediction struct {
	Subject     Subject      `json:"subject"`
	Application string       `json:"application"`
	Model       ModelVersion `json:"model"` // "popularity" when none was promoted
	Time        time.Time    `json:"time"`
	Scores      []ScoredItem `json:"scores,omitempty"`      // recommend: best first
	Probability *float64     `json:"probability,omitempty"` // behaviour
	Reason      string       `json:"reason,omitempty"`      // why this model answered: "no history", …
}

// ScoredItem is an item with its score.
type ScoredItem struct {
	Item  ItemID  `json:"item"`
	Score float64 `json:"score"`
}
