package web

import "slices"

// Role says what a key opens, and what a route asks for.
type Role string

// The roles. A browser's key can only collect: whoever reads it in a page's source can add events, and learns nothing.
const (
	Public  Role = ""        // of a route: asks for no key
	Collect Role = "collect" // writes events and reads nothing
	Read    Role = "read"    // asks for answers: recommendations, predictions, profiles
	Write   Role = "write"   // collects, reads, and writes the catalogue and decisions
	Admin   Role = "admin"   // everything: reports, models, turns, keys
)

// Roles are the roles that a key can have, weakest first.
var Roles = []Role{Collect, Read, Write, Admin}

// opens lists, by a key's role, the roles of routes that it opens besides public ones.
var opens = map[Role][]Role{
	Collect: {Collect},
	Read:    {Read},
	Write:   {Collect, Read, Write},
	Admin:   {Collect, Read, Write, Admin},
}

// Opens reports whether a key of role r may ask a route that needs role need.
func (r Role) Opens(need Role) bool { return need == Public || slices.Contains(opens[r], need) }

// Valid reports whether a key can have this role.
func (r Role) Valid() bool { return slices.Contains(Roles, r) }
