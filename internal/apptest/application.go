package apptest

import (
	"context"
	"embed"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/dataset"
	"bellwether/learn"
	"bellwether/models/neighbours"
	"bellwether/web"
	"bellwether/web/page"

	"github.com/spf13/cobra"
)

// Name is that of the application for tests, and of its task.
const Name = "habit"

// Application is an application that is made for tests: it learns what people do next, by two plain models, and has a route, a command and
// a page. It shows what an application costs: this file, and one line in the list that the test makes.
func Application() app.Application {
	return app.Application{
		Name: Name, Title: "Habits", Tasks: []learn.Task{task()},
		Routes: []web.Route{web.Typed(http.MethodGet, "/v1/habit", web.Read, "What a person does next", answer)},
		Commands: func(sh app.Shell) []*cobra.Command {
			return []*cobra.Command{{Use: "habit PERSON", Short: "What a person does next", Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
				client, err := sh.Client(c.Context())
				if err != nil {
					return err
				}
				var h Habit
				if err := client.Do(c.Context(), http.MethodGet, "/v1/habit?subject="+url.QueryEscape(args[0]), nil, &h, nil); err != nil {
					return err
				}
				return sh.Print(c.OutOrStdout(), h, func(w io.Writer) error { _, err := fmt.Fprintln(w, h.Item, "by", h.Model); return err })
			}}}
		},
		Pages: &page.Module{Templates: page.Sub(files, "templates"), Texts: page.Sub(files, "texts"), Pages: []page.Page{{
			Path: "/habits", Role: string(web.Read), Title: "habits.title", Template: "habits.html.tmpl", Doc: "what people do next", Data: show,
		}}},
	}
}

// assembler is dataset's sequences as they are.
type assembler struct {
	*dataset.Sequences
	in learn.Inputs
}

// Dataset implements [learn.Assembler].
func (a *assembler) Dataset() (*bellwether.Dataset, error) {
	q, err := a.Sequences.Data()
	if err != nil {
		return nil, err
	}
	d := a.in.Dataset(Name)
	d.Sequences = q
	d.Digest = dataset.Digest(d)
	return d, nil
}

func task() learn.Task {
	return learn.Task{
		Name: Name, Title: "What a person does next", Metric: "hr@10",
		Data: func(in learn.Inputs) learn.Assembler {
			return &assembler{in: in, Sequences: dataset.NewSequences(dataset.SequenceOptions{Collapse: true, Currency: in.Currency})}
		},
		Candidates: func(learn.FitOptions) []learn.Candidate {
			return []learn.Candidate{
				{Name: "popularity", Baseline: true, Train: learn.By(neighbours.Popularity{})},
				{Name: "markov", Train: learn.By(neighbours.Markov{})},
			}
		},
		Judge: learn.JudgeRanks, Compare: learn.CompareRanks,
	}
}

// Habit is what a person does next.
type Habit struct {
	Item  bellwether.ItemID       `json:"item"`
	Model bellwether.ModelVersion `json:"model"`
}

// Next is the application's request.
func Next(ctx context.Context, p *app.Project, who bellwether.Subject) (Habit, error) {
	v, err := p.Registry.Serving(Name)
	if err != nil {
		return Habit{}, err
	}
	person, err := p.Person(ctx, who, "")
	if err != nil {
		return Habit{}, err
	}
	best, reason, err := v.Best(ctx, person.Subject, person.Events, 1, nil)
	if err != nil {
		return Habit{}, err
	}
	if len(best) == 0 {
		return Habit{}, fmt.Errorf("%w: %s", app.ErrUnknownPerson, reason)
	}
	return Habit{Item: best[0].Item, Model: v.Version}, nil
}

type input struct {
	Subject string `query:"subject" required:"true" doc:"The person."`
}

type output struct{ Body Habit }

func answer(ctx context.Context, in *input) (*output, error) {
	p, err := app.From(ctx)
	if err != nil {
		return nil, err
	}
	h, err := Next(ctx, p, bellwether.Subject(in.Subject))
	return &output{Body: h}, err
}

//go:embed templates texts
var files embed.FS

func show(ctx context.Context, _ *http.Request) (any, error) {
	p, err := app.From(ctx)
	if err != nil {
		return nil, err
	}
	v, err := p.Registry.Serving(Name)
	if err != nil {
		return nil, err
	}
	return v.Version, nil
}
