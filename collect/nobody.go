package collect

import "strings"

// emptyWords are what programs write where they have nothing: such a field is not said.
var emptyWords = map[string]bool{
	"NULL": true, "null": true, "Null": true, `\N`: true, "nan": true, "NaN": true, "NAN": true, "None": true, "undefined": true, "[object Object]": true,
	"nil": true, "<NA>": true, "NaT": true, "#N/A": true, "#NULL!": true, "(null)": true, "(not set)": true,
}

// nobody reports an id that names no person or device: an empty word, in any case, false, true, zeros alone, or one of the words that
// the project adds. A program that identified everybody by it would make one person of them.
func (o *Options) nobody(id string) bool {
	if id == "" {
		return false
	}
	switch c := id[0]; {
	case c == '0' && strings.Trim(id, "0-") == "":
		return true
	case len(id) > 15:
		return o.extra[strings.ToLower(id)]
	case emptyWords[id]:
		return true
	}
	switch lower := strings.ToLower(id); lower {
	case "null", "undefined", "none", "nan", "nil", "false", "true", "[object object]", "(null)", "(not set)", "n/a":
		return true
	default:
		return o.extra[lower]
	}
}
