//go:build slow

package store_test

import "testing"

func TestCrash200Times(t *testing.T) { crash(t, 200) }
