package learn

import (
	"context"
	"errors"
	"time"

	"bellwether"
	"bellwether/dataset"
	"bellwether/history"
	"bellwether/models/sequence"
)

// Errors that a caller can act on. They come wrapped with what was being done.
var (
	// ErrUnknownTask means that no application has a task of that name.
	ErrUnknownTask = errors.New("there is no such task")
	// ErrNoData means that the log holds too little to learn from; the text says what is missing.
	ErrNoData = dataset.ErrNoData
	// ErrLeak means that a column of a table that was given tells the outcome alone.
	ErrLeak = errors.New("the table tells the outcome itself")
	// ErrNoRun means that nothing was trained yet.
	ErrNoRun = errors.New("nothing was trained yet: run train first")
	// ErrNotJudged means that a run has no card yet.
	ErrNotJudged = errors.New("the run was not evaluated yet: run evaluate first")
	// ErrOtherData means that the data are no longer those that a run learned from.
	ErrOtherData = errors.New("these are not the data that the run learned from: train again")
	// ErrNoModel means that no model of a task is in service.
	ErrNoModel = errors.New("no model is in service: run a turn, or train and promote one")
)

// Task is one thing to learn. Its name is part of the names of files and keys.
type Task struct {
	Name   string
	Title  string // in a few words, for people
	Metric string // the validation figure that chooses

	// Data returns what assembles the task's data in a pass over people.
	Data func(Inputs) Assembler
	// Check reports why data, such as a table from a file, are too little to learn from (ErrNoData), or are not for this task.
	Check func(*bellwether.Dataset) error
	// Candidates lists the models to fit, the plain ones first.
	Candidates func(FitOptions) []Candidate
	// Judge returns a model's figures on the validation and on the test part, and Compare the difference challenger − champion
	// on the validation part. See [JudgeRanks] and [JudgeClasses].
	Judge   func(ctx context.Context, m bellwether.Model, d *bellwether.Dataset) (validation, test map[string]bellwether.Estimate, err error)
	Compare func(ctx context.Context, challenger, champion bellwether.Model, d *bellwether.Dataset) (map[string]bellwether.Estimate, error)
	// Warnings says what makes the data a poor basis; nil: nothing does.
	Warnings func(*bellwether.Dataset) []string
	// Guard may veto a challenger that beats the champion, and says what it found; nil: nobody does.
	Guard func(ctx context.Context, a Assembler, challenger *Serving) (veto bool, text string, err error)
	// Refit returns a row's model, fitted once more on data of which nothing is kept back, before it serves; more says how much longer it
	// trains than validation chose, 0.25 for a quarter. nil: what was judged serves.
	Refit func(ctx context.Context, row string, m bellwether.Model, all *bellwether.Dataset, more float64, report func(bellwether.Progress)) (bellwether.Model, error)
	// Serve lays a model out for requests; nil: as it is.
	Serve func(m bellwether.Model, people *sequence.Cache) (bellwether.Model, error)
}

// Inputs are what a task's data are assembled with.
type Inputs struct {
	Project  bellwether.ProjectID
	AsOf     time.Time                              // of the pass
	Currency bellwether.Currency                    // of the project
	Items    map[bellwether.ItemID]*bellwether.Item // the catalogue; must not be changed
	Types    []bellwether.EventType                 // of events that may be learned from; nil: every type that says something

	// What guards read. Outcomes are the mature ones of decisions about a person of a pass that are not settled yet; nil: none are.
	Decision    func(bellwether.DecisionID) (bellwether.Decision, bool, error)
	Person      func(context.Context, bellwether.Subject, bellwether.AnonymousID) (*history.Person, error)
	Outcomes    func(*history.Person) ([]bellwether.Outcome, error)
	Temperature float64 // of the default policy
}

// Dataset returns an empty dataset of a task.
func (in *Inputs) Dataset(task string) *bellwether.Dataset {
	return &bellwether.Dataset{Project: in.Project, Name: task, AsOf: in.AsOf}
}

// Assembler is the reducer that assembles a task's data.
type Assembler interface {
	history.Reducer
	// Dataset returns the data once Done was called, or ErrNoData with what is missing. Its digest is that of its contents.
	Dataset() (*bellwether.Dataset, error)
	// Share is the share of people whom a budget left in.
	Share() float64
}

// Training says what a turn may spend on models.
type Training struct {
	Minutes  float64            // of a task's training; 0: no limit but Epochs
	Epochs   int                // of the neural models; 0: their own
	Preset   string             // of the Transformer; "": base
	Settings *sequence.Settings // of the Transformer, instead of those of Preset; nil: Preset's
	Seed     uint64             // 0: 42
}

// FitOptions are what candidates are made with.
type FitOptions struct {
	Training
	Checkpoints func(family string) bellwether.Checkpoint // where a candidate keeps its state
	Warm        bellwether.Model                          // in service: a candidate may start from it; nil: none is
	Clock       func() time.Time
}

// Candidate is one model to fit.
type Candidate struct {
	Name     string // of the row: the family, or a variant of it
	Baseline bool
	// Train fits it. An error that wraps ErrSkip says why the data do not allow it: the others are fitted all the same.
	Train func(ctx context.Context, f Fitting) (bellwether.Model, error)
	// Settings are what the card shows of the model; nil: nothing.
	Settings func(bellwether.Model) map[string]any
}

// ErrSkip means that the data do not allow a candidate.
var ErrSkip = errors.New("skipped")

// Fitting is what a candidate is fitted on.
type Fitting struct {
	Data   *bellwether.Dataset
	Done   []Fitted                  // the candidates before this one
	Left   float64                   // minutes that are left for all; 0: as many as it takes
	Report func(bellwether.Progress) // never nil
}

// Find returns the fitted model of a name, nil if there is none.
func (f *Fitting) Find(name string) bellwether.Model {
	for i := range f.Done {
		if f.Done[i].Name == name {
			return f.Done[i].Model
		}
	}
	return nil
}

// Fitted is one trained model with what the table of models says of it.
type Fitted struct {
	Name       string // of the candidate
	Model      bellwether.Model
	FitSeconds float64
	Baseline   bool
	Settings   map[string]any
	Parameters int64
}

// By returns the Train of a candidate that a trainer fits.
func By(t bellwether.Trainer) func(context.Context, Fitting) (bellwether.Model, error) {
	return func(ctx context.Context, f Fitting) (bellwether.Model, error) { return t.Train(ctx, f.Data, f.Report) }
}

// Says returns the Settings of a candidate that has the same ones whatever was fitted.
func Says(settings map[string]any) func(bellwether.Model) map[string]any {
	return func(bellwether.Model) map[string]any { return settings }
}
