package collect

import (
	"bytes"
	"strings"
)

// openQuote reports whether a line of delimited text ends inside a field in quotes; in says that
// it begins inside one.
func openQuote(line []byte, delimiter byte, in bool) bool {
	if delimiter == ' ' || bytes.IndexByte(line, '"') < 0 {
		return in && delimiter != ' '
	}
	start := true
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case in && c == '"' && i+1 < len(line) && line[i+1] == '"':
			i++
		case in && c == '"':
			in, start = false, false
		case !in && start && c == '"':
			in = true
		case !in:
			start = c == delimiter || start && c == ' '
		}
	}
	return in
}

// splitRow returns the fields of a record. A quote counts at the beginning of a field alone. ok
// is false where one is never closed.
func splitRow(text string, delimiter byte) (fields []string, ok bool) {
	if delimiter == ' ' {
		return strings.Fields(text), true
	}
	fields = make([]string, 0, 1+strings.Count(text, string(rune(delimiter))))
	for {
		var field string
		if strings.HasPrefix(text, ` `) && strings.HasPrefix(strings.TrimLeft(text, " "), `"`) {
			text = strings.TrimLeft(text, " ") // a quote after a space is one
		}
		if strings.HasPrefix(text, `"`) {
			if field, text, ok = quotedField(text[1:], delimiter); !ok {
				return fields, false
			}
		} else {
			end := strings.IndexByte(text, delimiter)
			if end < 0 {
				end = len(text)
			}
			field, text = text[:end], text[end:]
		}
		fields = append(fields, field)
		if text == "" {
			return fields, true
		}
		text = text[1:]
	}
}

// quotedField reads a field after its opening quote. Text between the closing quote and the
// delimiter belongs to the field.
func quotedField(text string, delimiter byte) (field, rest string, ok bool) {
	var b strings.Builder
	for {
		end := strings.IndexByte(text, '"')
		if end < 0 {
			return "", "", false
		}
		b.WriteString(text[:end])
		text = text[end+1:]
		if !strings.HasPrefix(text, `"`) {
			break
		}
		b.WriteByte('"')
		text = text[1:]
	}
	end := strings.IndexByte(text, delimiter)
	if end < 0 {
		end = len(text)
	}
	b.WriteString(text[:end])
	return b.String(), text[end:], true
}

// joinRow writes fields so that splitRow reads them, with commas.
func joinRow(b []byte, fields []string) []byte {
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		if strings.ContainsAny(f, ",\n\r") || strings.HasPrefix(f, `"`) {
			b = append(append(append(b, '"'), strings.ReplaceAll(f, `"`, `""`)...), '"')
		} else {
			b = append(b, f...)
		}
	}
	return b
}
