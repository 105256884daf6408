package collect

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// detect tells a source's format by its beginning.
func detect(sample []byte) string {
	switch text := bytes.TrimLeft(sample, " \t\r\n"); {
	case bytes.HasPrefix(sample, []byte("PAR1")):
		return FormatParquet
	case bytes.HasPrefix(text, []byte("{")):
		return detectJSON(text)
	}
	head := sampleLines(sample, 20)
	switch {
	case len(head) > 0 && typedHeader(head[0]):
		return FormatMovieLens
	case isSequence(head):
		return FormatSequence
	}
	return FormatCSV
}

// detectJSON tells what the objects of JSON lines are, by the first one.
func detectJSON(text []byte) string {
	first := text
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		first = text[:end]
	}
	has := make(map[string]byte) // key → first byte of its value
	kind := ""
	r := jsonReader{b: first}
	_ = r.object(func(key []byte) error {
		value, err := r.value()
		if err == nil {
			has[string(key)] = value[0]
			if string(key) == "type" {
				kind, _ = scalarText(value)
			}
		}
		return err
	})
	if has["event_name"] != 0 && has["event_timestamp"] != 0 && (has["user_pseudo_id"] != 0 || has["event_params"] != 0) {
		return FormatGA4
	}
	if has["type"] != 0 && has["id"] != 0 && has["occurred"] != 0 {
		return FormatEvents
	}
	if slices.Contains([]string{"track", "identify", "page", "screen", "group", "alias"}, kind) || has["messageId"] != 0 {
		return FormatSegment
	}
	if has["id"] != 0 && (has["price"] == '{' || has["attributes"] == '{' || has["features"] == '[' || has["updated"] != 0) {
		return FormatItems
	}
	return FormatJSON
}

// sampleLines returns the first lines that are not blank. The last one of a sample that is cut off is left out.
func sampleLines(sample []byte, most int) []string {
	var head []string
	for len(sample) > 0 && len(head) < most {
		end := bytes.IndexByte(sample, '\n')
		line := sample
		if end < 0 {
			if len(head) > 0 && len(sample) >= sampleSize/2 {
				break
			}
			sample = nil
		} else {
			line, sample = sample[:end], sample[end+1:]
		}
		if line = trimEnd(line); !blank(line) {
			head = append(head, string(line))
		}
	}
	return head
}

// typedHeader reports a header whose names carry types, as RecBole's files have them.
func typedHeader(line string) bool {
	names := strings.Split(line, "\t")
	for _, n := range names {
		_, kind, _ := strings.Cut(n, ":")
		if !slices.Contains([]string{"token", "token_seq", "float", "float_seq"}, kind) {
			return false
		}
	}
	return true
}

// isSequence reports lines of a person and items: identifiers between spaces, without a header,
// and not a table of as many columns in each line (a person and one item aside).
func isSequence(head []string) bool {
	if len(head) == 0 {
		return false
	}
	same, width := true, len(strings.Fields(head[0]))
	for _, line := range head {
		if strings.ContainsAny(line, `,;|":.{}[]<>`) {
			return false
		}
		same = same && len(strings.Fields(line)) == width
	}
	switch {
	case width < 2:
		return false
	case same && width > 2 && strings.Contains(head[0], "\t"):
		return false
	case len(head) > 1 && isHeader(head[0], ' '):
		return false
	}
	return true
}

// findDelimiter returns the byte that parts the lines into the most columns, the same number in each.
func findDelimiter(head []string) byte {
	best, most := byte(0), 1
	for _, d := range []byte{',', '\t', ';', '|', '^', 1} {
		if n := widthOf(head, d); n > most {
			best, most = d, n
		}
	}
	switch {
	case best != 0:
		return best
	case len(head) > 0 && allHave(head, "::"):
		return ':' // MovieLens' files have two between fields
	case widthOf(head, '~') > 1:
		return '~'
	case widthOf(head, ' ') > 1:
		return ' '
	}
	for _, d := range []byte{',', '\t', ';', '|'} { // rows of different lengths: the header decides
		if len(head) > 0 && strings.IndexByte(head[0], d) >= 0 {
			return d
		}
	}
	return ','
}

func allHave(head []string, part string) bool {
	for _, line := range head {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

// widthOf returns the columns of lines, 0 if they differ.
func widthOf(head []string, delimiter byte) int {
	width, agree := 0, 0
	for i, line := range head {
		fields, ok := splitRow(line, delimiter)
		switch {
		case i == 0:
			width, agree = len(fields), 1
		case !ok || len(fields) == width: // a field may hold an end of line
			agree++
		}
	}
	if 10*agree < 9*len(head) {
		return 0
	}
	return width
}

// isHeader reports whether a line names columns: texts of which none is a number or a time.
func isHeader(line string, delimiter byte) bool {
	names, _ := splitRow(line, delimiter)
	known := false
	for _, n := range names {
		n = strings.TrimSpace(n)
		if _, err := strconv.ParseFloat(n, 64); err == nil {
			return false
		}
		if _, err := parseTime(n); err == nil {
			return false
		}
		known = known || knownColumn(n)
	}
	return known || delimiter != ' ' // a person and items may be names too
}

// headless returns the columns of a table without a header whose form is known: MovieLens'
// person, item, rating, Unix time.
func headless(head []string, delimiter byte) []string {
	double := delimiter == ':'
	for _, line := range head {
		f, _ := splitRow(line, delimiter)
		if double && len(f) == 7 {
			f = []string{f[0], f[2], f[4], f[6]}
		}
		if len(f) != 4 {
			return nil
		}
		rating, err := strconv.ParseFloat(f[2], 64)
		if err != nil || rating < 0 || rating > 100 {
			return nil
		}
		if at, err := strconv.ParseInt(f[3], 10, 64); err != nil || at < 1e8 || at > 1e10 {
			return nil
		}
	}
	if double {
		return []string{"user_id", "between1", "item_id", "between2", "rating", "between3", "timestamp"}
	}
	return []string{"user_id", "item_id", "rating", "timestamp"}
}
