// Package routes has the routes that belong to no application: collecting events in other people's formats, the
// catalogue, imports, what was refused, decisions, the report, models and turns, exports, sending.
//
// Each function returns rows for the server's table and takes what does the work: a function that finds it in the
// project of the call (web.ProjectOf), as an interface of the few methods that the rows use.
package routes
