package collect

import (
	"fmt"
	"strings"

	"bellwether"
)

// noPurpose is the word for having agreed to nothing.
const noPurpose = "none"

// formatYesNo is the format of a column of consent that says yes or no to one purpose: "yes/no", or "yes/no PURPOSE" where the
// purpose is not marketing.
const formatYesNo = "yes/no"

var yesWords = words("yes y true t 1 x on ok ja j oui si sí sim da tak ano kyllä evet 是 はい subscribed subscribe accepted granted given opted-in opted_in optin opt-in confirmed allow allowed agreed accepts")

var noWords = words("no n false f 0 - off nein non nao não ne nie ei hayır 否 いいえ none unsubscribed unsubscribe rejected denied withdrawn revoked opted-out opted_out optout opt-out cleaned pending bounced declined disallow forbidden never")

func words(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}

// yesOrNo tells what a text of consent says; sentences that forms show count by how they begin.
func yesOrNo(text string) (yes, known bool) {
	t := strings.ToLower(strings.TrimSpace(text))
	switch {
	case yesWords[t], strings.HasPrefix(t, "yes,"), strings.HasPrefix(t, "yes "), strings.HasPrefix(t, "i agree"), strings.HasPrefix(t, "i consent"),
		strings.HasPrefix(t, "i accept"), strings.HasPrefix(t, "i would like"), strings.HasPrefix(t, "i want to receive"), strings.HasPrefix(t, "ja,"), strings.HasPrefix(t, "ich stimme zu"),
		strings.HasPrefix(t, "ich willige ein"):
		return true, true
	case noWords[t], strings.HasPrefix(t, "no,"), strings.HasPrefix(t, "no "), strings.HasPrefix(t, "i do not"), strings.HasPrefix(t, "i don't"), strings.HasPrefix(t, "nein,"):
		return false, true
	}
	return false, false
}

// parseConsent reads what a person agreed to: purposes, or none; or yes or no to one purpose.
func parseConsent(text, format string) ([]bellwether.Purpose, error) {
	purpose, about := strings.CutPrefix(format, formatYesNo)
	if !about {
		out := []bellwether.Purpose{}
		for _, p := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(",;| ", c) }) {
			if p != noPurpose {
				out = append(out, bellwether.Purpose(p))
			}
		}
		return out, nil
	}
	yes, known := yesOrNo(text)
	switch purpose = strings.TrimSpace(purpose); {
	case !known:
		return nil, fmt.Errorf("%q is neither yes nor no: a mapping can say what it stands for, as values", clip(text))
	case !yes:
		return []bellwether.Purpose{}, nil
	case purpose == "":
		purpose = "marketing"
	}
	return []bellwether.Purpose{bellwether.Purpose(purpose)}, nil
}
