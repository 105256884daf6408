// Package console is the pages that every project has: Today (what was earned, and what needs attention), the
// report behind it, Models, Decisions and Data.
//
// The pages read small structs of this package and of the root from a [Source], which the wiring fills; they know
// neither the log nor how anything is measured. Each page is a file here and a template beside it.
//
// To look at them with sample data: go test ./web/console -run TestServe -serve :8123 -timeout 0. Pictures of all of
// them, on a phone and wide, light and dark, in both languages: go test ./web/console -run InBrowser -shots DIR.
package console
