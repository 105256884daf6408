//go:build slow

package store_test

import "testing"

func TestDamage300(t *testing.T) { damageFolders(t, 300) }
