// Package kernel holds the inner loops of the engine. Each is one function that
// runs the assembly of package asm for the level in cpu.Use, or Go; all of them
// agree with the plain form in package reference that their comment names.
//
// Arguments are trusted: shapes are checked at the door of package tensor.
package kernel
