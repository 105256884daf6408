// Package behaviour is the application that predicts what a person will do: the probability of a purchase within 30 days, and which of a
// few named actions to take.
//
// Its task learns from the customer table ([Task]), or from a table that somebody gives. A request computes a person's features by the code
// that made the table ([Predict]); of somebody of whom nothing is known there is no prediction.
package behaviour

import (
	"bellwether/apps/app"
	"bellwether/learn"
)

// Name is that of the application and of its task.
const Name = "behaviour"

// Application returns the application.
func Application() app.Application {
	return app.Application{Name: Name, Title: "Behaviour", Tasks: []learn.Task{Task()}, Routes: routes(), Commands: commands, Pages: module()}
}
