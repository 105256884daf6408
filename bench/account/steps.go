package main

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// client is the step of what belongs to the measuring side and not to the program.
const client = "(the client, not counted)"

// step names functions, by parts of their full names.
type step struct {
	name      string
	functions []string
}

// steps in the order in which they are asked about a function. The first step that a sample's innermost function belongs
// to has the sample; if no step knows the function, its caller is asked.
var steps = []step{
	{"garbage collection", []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcStart", "runtime.gcMarkDone"}},
	{client, []string{"net/http.(*Transport)", "net/http.(*persistConn)", "net/http.(*Client)", "main.(*poster)", "bellwether/bench/growth."}},
	{"read: file, lines", []string{"collect.(*lines)", "collect.openQuote", "collect.(*source)"}},
	{"parse: fields of a row", []string{"collect.textRow", "collect.splitRow", "collect.quotedField"}},
	{"parse: JSON of a message", []string{"collect.(*segmentReader)", "collect.segment", "collect.(*jsonReader)", "collect.flatten"}},
	{"map: fields to an event", []string{"collect.(*rowReader)", "collect.(*boundField)", "collect.setTrait", "collect.parseTime", "collect.parseMoney", "collect.contentID"}},
	{"validate", []string{"bellwether.(*Event).Validate"}},
	{"encode the record", []string{"bellwether.(*Event).AppendBinary", "collect.(*encoder)"}},
	{"seen before? (claim, look up)", []string{"collect.(*Collector).unseen", "collect.(*flights)", "collect.lookup"}},
	{"fold: ids seen", []string{"collect.folder.fold", "collect.foldNote"}},
	{"fold: people", []string{"pipeline.foldPeople", "pipeline.foldPerson", "history."}},
	{"fold: catalogue, decisions, rest", []string{"pipeline.fold", "pipeline.(*", "decide."}},
	{"views: changes into Pebble", []string{"store.(*View).save", "store.(*ViewWriter).store"}},
	{"fold: read the log, decode frames", []string{"store.decodeFrame", "store.(*pager)", "store.(*Log).Read", "store.(*Log)", "store.(*fold", "store.(*View).catchUp"}},
	{"append: frame, compression", []string{"store.encodeFrame", "store.encodeRecords", "klauspost/compress/zstd.(*Encoder)"}},
	{"append: log server (NATS)", []string{"nats-server", "nats.go"}},
	{"append: hand over", []string{"store.(*writer)", "collect.(*Collector).attempt", "collect.(*Collector).accept"}},
	{"HTTP server", []string{"net/http.(*conn)", "net/http.(*Server)", "net/http."}},
	{"import, rest", []string{"collect.(*importer)", "collect.(*Collector)"}},
}

// compactions is what Pebble does by itself; what it does for a caller is the caller's.
const compactions = "views: Pebble's flushes and compactions"

// rest is the step of samples that no step knows: the scheduler above all.
const rest = "scheduler, system, rest"

// share is a step's part of all samples.
type share struct {
	step  string
	share float64
}

// attribute reads what "go tool pprof -traces" prints: blocks of a value and function names, innermost first.
func attribute(traces string) ([]share, error) {
	spent, total := make(map[string]time.Duration), time.Duration(0)
	for _, block := range strings.Split(traces, "-----------+") {
		var names []string
		var value time.Duration
		for _, line := range strings.Split(block, "\n") {
			fields := strings.Fields(line)
			if len(fields) == 0 || strings.HasPrefix(fields[0], "---") {
				continue
			}
			if d, err := time.ParseDuration(fields[0]); err == nil && len(fields) > 1 && names == nil {
				value, fields = d, fields[1:]
			}
			if value > 0 {
				names = append(names, strings.Join(fields, " "))
			}
		}
		if value > 0 {
			spent[stepOf(names)] += value
			total += value
		}
	}
	if total == 0 {
		return nil, errors.New("the profile has no samples: more events are needed")
	}
	var out []share
	for name, d := range spent {
		out = append(out, share{name, float64(d) / float64(total)})
	}
	slices.SortFunc(out, func(a, b share) int {
		if a.share != b.share {
			if a.share > b.share {
				return -1
			}
			return 1
		}
		return strings.Compare(a.step, b.step)
	})
	return out, nil
}

// stepOf is the step of a stack, innermost function first.
func stepOf(names []string) string {
	for _, name := range names {
		for _, s := range steps {
			for _, f := range s.functions {
				if strings.Contains(name, f) {
					return s.name
				}
			}
		}
	}
	if slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, "cockroachdb/pebble") }) {
		return compactions
	}
	return rest
}
