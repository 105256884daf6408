package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"bellwether"
)

// parseFaults reads faults.txt.
func parseFaults(text string) (folders []faultFolder, err error) {
	for n, line := range strings.Split(text, "\n") {
		var file *faultFile
		if k := len(folders); k > 0 && len(folders[k-1].files) > 0 {
			file = &folders[k-1].files[len(folders[k-1].files)-1]
		}
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "== "):
			folders = append(folders, faultFolder{name: line[3:]})
		case len(folders) == 0:
			return nil, fmt.Errorf("line %d stands before the first folder", n+1)
		case strings.HasPrefix(line, "-- "):
			f, err := parseFile(line[3:])
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
			last := &folders[len(folders)-1]
			last.files = append(last.files, f)
		case file == nil:
			return nil, fmt.Errorf("line %d stands before the first file", n+1)
		case strings.HasPrefix(line, "~ "):
			file.says = append(file.says, line[2:])
		case strings.HasPrefix(line, "* "):
			if file.count, err = strconv.Atoi(line[2:]); err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
		default:
			parts, err := parseParts(line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
			file.events = append(file.events, parts)
		}
	}
	return folders, nil
}

// parseFile reads a file's name and options.
func parseFile(line string) (faultFile, error) {
	line, flags, _ := strings.Cut(line, " | ")
	words := strings.Fields(line)
	f := faultFile{name: words[0], count: -1, flags: strings.Fields(flags)}
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		n, err := strconv.Atoi(value)
		switch {
		case w == "clean":
			f.clean = true
		case name == "exit" && err == nil:
			f.exit = n
		case name == "refused" && err == nil:
			f.refused = int64(n)
		default:
			return f, fmt.Errorf("there is no option %q", w)
		}
	}
	return f, nil
}

// parseParts reads name=text between spaces; a text may stand in quotes, as Go writes them.
func parseParts(line string) (parts []said, err error) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		name, rest, found := strings.Cut(line, "=")
		if !found {
			return nil, fmt.Errorf("%q is no part of an event", line)
		}
		var text string
		if strings.HasPrefix(rest, `"`) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", rest, err)
			}
			text, _ = strconv.Unquote(quoted) // QuotedPrefix checked it
			rest = rest[len(quoted):]
		} else {
			text, rest, _ = strings.Cut(rest, " ")
		}
		parts, line = append(parts, said{name, text}), rest
	}
	return parts, nil
}

// differences are the events that are missing and those that nobody expected; without order they may come in any.
func differences(want [][]said, got []bellwether.Event, ordered bool) (wrong []string) {
	if len(want) != len(got) {
		wrong = append(wrong, fmt.Sprintf("%d events, want %d", len(got), len(want)))
	}
	taken := make([]bool, len(got))
	for i, w := range want {
		found, near := false, ""
		for k := range got {
			if taken[k] || ordered && k != i {
				continue
			}
			miss := missing(w, &got[k])
			if miss == "" {
				taken[k], found = true, true
				break
			}
			if near == "" {
				near = miss
			}
		}
		if !found {
			wrong = append(wrong, fmt.Sprintf("event %d: %s", i+1, near))
		}
	}
	return wrong
}

// missing says which part of an event is not as wanted.
func missing(want []said, e *bellwether.Event) string {
	for _, p := range want {
		if got := partOf(e, p.name); got != p.text {
			return fmt.Sprintf("%s is %q, want %q", p.name, got, p.text)
		}
	}
	return ""
}

// partOf is a part of an event as text.
func partOf(e *bellwether.Event, name string) string {
	if trait, ok := strings.CutPrefix(name, "trait."); ok {
		switch v := e.Traits[trait].(type) {
		case nil:
			return ""
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		default:
			return fmt.Sprint(v)
		}
	}
	switch name {
	case "id":
		id, _, _ := strings.Cut(string(e.ID), "#")
		return id
	case "type":
		return string(e.Type)
	case "user":
		return string(e.Subject)
	case "anon":
		return string(e.Anonymous)
	case "item":
		return string(e.Item)
	case "order":
		return e.Order
	case "at":
		return e.Occurred.UTC().Format(time.RFC3339Nano)
	case "price":
		return amount(e.Price)
	case "revenue":
		return amount(e.Revenue())
	case "quantity":
		return strconv.FormatInt(e.Quantity, 10)
	case "value":
		return strconv.FormatFloat(e.Value, 'f', -1, 64)
	case "consent":
		var all []string
		for _, p := range e.Consent {
			all = append(all, string(p))
		}
		return strings.Join(all, ",")
	}
	return "there is no part " + name
}

func amount(m bellwether.Money) string {
	if m.IsZero() {
		return ""
	}
	return strings.ReplaceAll(m.String(), " ", "")
}
