package routes

import (
	"context"
	"net/http"

	"bellwether"
	"bellwether/web"
)

// Campaign is one message to everybody who is known, as far as the policy, consent, quiet hours and caps let it go out.
type Campaign struct {
	Name     string `json:"-"`
	Surface  string `json:"surface,omitempty" default:"email" doc:"The surface whose policy decides."`
	Title    string `json:"title,omitempty" doc:"Of the message."`
	Text     string `json:"text,omitempty" doc:"Of the message."`
	By       string `json:"by,omitempty" enum:"mail,webhook,audience" doc:"How it is sent; a dry run needs none."`
	Audience string `json:"audience,omitempty" doc:"File for the audience, .csv or .jsonl, on the server's machine: over the socket alone."`
	Really   bool   `json:"really,omitempty" doc:"Decide and send; without it a dry run that writes nothing."`
}

type campaignInput struct {
	Name string `path:"name" maxLength:"200" doc:"Of the campaign: nobody gets it twice."`
	Body Campaign
}

// Send returns the route that decides for everybody and carries it out, P being what happens to one person.
func Send[P any](do func(ctx context.Context, c Campaign, report func(bellwether.Progress)) ([]P, error)) []web.Route {
	type output struct{ Body []P }
	return []web.Route{
		web.Typed(http.MethodPost, "/v1/campaigns/{name}/send", web.Admin, "Decide for everybody whether a message goes out, and send it; a dry run unless really is true", func(ctx context.Context, in *campaignInput) (*output, error) {
			in.Body.Name = in.Name
			if err := in.Body.check(ctx); err != nil {
				return nil, err
			}
			planned, err := do(ctx, in.Body, web.Progress(ctx))
			if planned == nil {
				planned = []P{}
			}
			return &output{Body: planned}, err
		}).With(func(r *web.Route) { r.Name, r.Details = "send", stageDetails }),
	}
}

// check says what is missing before anybody is decided for.
func (c *Campaign) check(ctx context.Context) error {
	switch {
	case c.Audience != "" && !web.CallFrom(ctx).Local:
		return web.NewProblem(http.StatusForbidden, "a file on the server can be named on its own machine alone").
			Advise("run bellwether send there, or send by mail or webhook")
	case c.Really && c.By == "":
		return web.BadRequest("nothing says how to send").Advise("say by: mail, webhook or audience")
	case c.By == "audience" && c.Really && c.Audience == "":
		return web.BadRequest("an audience needs a file").Advise("say audience: a file that ends in .csv or .jsonl")
	}
	return nil
}
