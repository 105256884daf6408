// Package market simulates a shop and its customers with a known truth: the world in which every
// claim of Bellwether about cause and effect can be checked, because its counterfactual can be run.
//
// Nothing here is a data set. A [World] holds customers with tastes, items with prices and titles, and
// rules of behaviour. A customer's [World.Day] is a pure function of the world, the customer's own
// [State], the day, the slate that was shown and the campaign contact that was made; it returns what the
// customer did and the next state.
//
// # Common random numbers
//
// Every draw comes from Philox keyed by (seed, component, entity, day, index), so it does not depend on
// the order of calls, on goroutines, or on what happened before. Switching one intervention off leaves
// all other draws as they were: the truth of any effect is the difference of two runs. Arithmetic avoids
// fused multiply-add and the functions of package math whose last bits differ between processors, so a
// world is the same on every machine.
//
// # No interference
//
// Stock is not tracked, and prices do not move: what one customer does never changes what another one can
// do. The effect of a policy is therefore the mean over customers of the difference between their two
// trajectories (SUTVA), except through the models that are trained on everybody's events.
//
// # What the specification leaves open
//
// Category centroids are .4·N(0, I₈), attribute part-worths N(0, .2²), the transitions G[a, b] between
// categories N(0, .8²). The price that costs no utility, ref, is 2.00 where the median price is 20: dear
// items are browsed and rarely bought, so that fewer than half of the visits end in a purchase. A view from a slate
// is of the item in a place drawn in proportion to examination 1/(1+.5·place), whatever is there; an organic one
// of an item drawn in proportion to e^U over all items on sale. Margins are 20–60 % of the price. Every 28 days there
// is a campaign day, on which every customer whom the campaign may contact buys with the probability of their kind.
// In the preset stream an organic view is of one of 64 items that come to mind, item j in proportion to 1/(j+1).
//
// Media, ads, friends, trends, promotions, geographic regions' effects, images and stock come with their issues.
package market
