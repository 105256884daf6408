// Package console is the pages that every project has: Today (what was earned, and what needs attention), the
// report behind it, Models, Decisions and Data.
//
// The pages read small structs of this package and of the root from a [Source], which the wiring fills; they know
// neither the log nor how anything is measured. Each page is a file here and a template beside it.
package console
