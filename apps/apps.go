// Package apps lists the applications: a new one is its folder and a line here.
package apps

import (
	"bellwether/apps/app"
	"bellwether/apps/behaviour"
	"bellwether/apps/campaign"
	"bellwether/apps/recommend"
)

// All returns the applications. A turn learns their tasks in this order.
func All() []app.Application {
	return []app.Application{
		recommend.Application(),
		behaviour.Application(),
		campaign.Application(behaviour.Act),
	}
}
