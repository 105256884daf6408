//go:build slow && linux

package store_test

import "testing"

func TestFailingCalls200(t *testing.T) { failingCalls(t, 200) }
