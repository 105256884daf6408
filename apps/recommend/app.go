// Package recommend is the application that recommends items: a slate for a person or for everybody, a forecast of what a person
// does next, and the customer model as a file.
//
// Its task learns from people's sequences of item events ([Task]). A request reads the person, leaves out what may not be shown, asks the
// model in service and hands the best candidates to the policy ([Recommend]). Popularity answers where no model can, and for the
// holdout; the answer says which and why.
package recommend

import (
	"net/http"

	"bellwether/apps/app"
	"bellwether/learn"
	"bellwether/web"
)

// Name is that of the application and of its task.
const Name = "recommend"

// Application returns the application.
func Application() app.Application {
	return app.Application{
		Name: Name, Title: "Recommendations", Tasks: []learn.Task{Task()}, Routes: routes(), Commands: commands, Pages: module(), Exports: exports(),
		Failures: []web.Failure{{Err: ErrNothing, Status: http.StatusNotFound, Name: "nothing-to-recommend"}},
	}
}
