package main

import (
	"math"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// limitMemory asks the garbage collector to keep the program within half of the memory that it may use, so that a turn takes time
// from itself before it takes memory from others. GOMEMLIMIT says otherwise; a system that says nothing of its memory sets no limit.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if n := usableMemory("/"); n < math.MaxInt64 {
		debug.SetMemoryLimit(n / 2)
	}
}

// usableMemory is the machine's memory or what the process's control group allows, whichever is less, in bytes; math.MaxInt64 where
// nothing is known. root is the root of the files that say so.
func usableMemory(root string) int64 {
	limit := int64(math.MaxInt64)
	if text, err := os.ReadFile(filepath.Join(root, "proc", "meminfo")); err == nil {
		limit = min(limit, machineMemory(string(text)))
	}
	own, err := os.ReadFile(filepath.Join(root, "proc", "self", "cgroup"))
	if err != nil {
		return limit
	}
	for line := range strings.Lines(string(own)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		folder, file := "", "memory.max" // version 2
		if fields[1] == "memory" {
			folder, file = "memory", "memory.limit_in_bytes" // version 1
		} else if fields[1] != "" {
			continue
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			limit = min(limit, groupMemory(filepath.Join(root, "sys", "fs", "cgroup", folder, group, file)))
			if group == "/" {
				break
			}
		}
	}
	return limit
}

// machineMemory reads /proc/meminfo.
func machineMemory(text string) int64 {
	_, rest, _ := strings.Cut(text, "MemTotal:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return math.MaxInt64
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || kib <= 0 {
		return math.MaxInt64
	}
	return kib << 10
}

// groupMemory reads the limit of a control group; "max" and absent files are none.
func groupMemory(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return math.MaxInt64
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n <= 0 {
		return math.MaxInt64
	}
	return n
}
