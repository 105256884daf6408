// Package arch holds the map in ARCHITECTURE.md to the tree: its test parses every Go file and
// reads the map's tables, so that the map stays true and an import that it does not allow fails.
package arch
