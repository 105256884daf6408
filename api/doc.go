// Package api is the HTTP interface of Bellwether.
//
//	POST /v1/batch, /v1/{track,identify,page,screen,group,alias}   events, in Segment's format (package collect)
//	GET  POST /v1/recommend     a slate for one person, logged with its propensity
//	POST /v1/decide             one of a few actions for one person
//	POST /v1/predict            a probability for one person, or for rows of a table
//	GET  /v1/outlook            what a person is expected to do next, and when
//	POST /v1/items              the catalogue
//	GET  /v1/report             what it was worth
//	GET  /v1/decisions[/ID]     the decisions, newest first
//	GET  /v1/rejects            what was refused and why; POST /v1/rejects/replay
//	GET  /v1/models             the models in service with their cards
//	POST /v1/turn               run a turn now
//	GET  /metrics, /healthz     for the people who run it
//
// A request names its project by its key alone: Basic authentication with the key as user
// name, or Authorization: Bearer KEY. A write key collects, recommends and decides; the rest
// needs an admin key. Errors are RFC 9457 problem documents.
package api
