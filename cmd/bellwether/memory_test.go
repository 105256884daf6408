package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestUsableMemory(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing known":              {nil, math.MaxInt64},
		"a machine":                  {map[string]string{"proc/meminfo": "MemTotal:       1024 kB\nMemFree: 1 kB\n"}, 1 << 20},
		"no limit of the group":      {map[string]string{"proc/meminfo": "MemTotal: 1024 kB\n", "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 1 << 20},
		"a group within a group":     {map[string]string{"proc/meminfo": "MemTotal: 1024 kB\n", "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "4096\n", "sys/fs/cgroup/a/b/memory.max": "8192\n"}, 4096},
		"a group of version 1":       {map[string]string{"proc/self/cgroup": "5:cpu:/c\n4:memory:/c\n", "sys/fs/cgroup/memory/c/memory.limit_in_bytes": "12288\n"}, 12288},
		"a limit beyond the machine": {map[string]string{"proc/meminfo": "MemTotal: 1 kB\n", "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "9999999\n"}, 1024},
	} {
		root := t.TempDir()
		for file, text := range test.files {
			if err := os.MkdirAll(filepath.Join(root, filepath.Dir(file)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := usableMemory(root); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
