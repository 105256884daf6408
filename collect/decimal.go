package collect

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"bellwether"
)

// parseMoney reads an amount in major units exactly, rounding what is finer than the minor unit half away from zero. It takes
// "1999", "19.99", "1,234.50", "1.234,50", "0,125", "1.5E+03", and a currency before or after: "19,99 €", "$5", "USD 15.00", "R$ 10,50".
// What the text names counts before c. mark is the decimal mark of the column that it stands in, where one is known: see [plainNumber].
func parseMoney(s string, c bellwether.Currency, mark byte) (bellwether.Money, error) {
	if n, ok := scaleDecimal(s, c.Exponent()); ok && (mark != ',' || strings.IndexByte(s, '.') < 0) {
		return bellwether.Money{Amount: n, Currency: c}, nil
	}
	before, number, after := splitAmount(s)
	for _, sign := range []string{before, after} {
		if sign == "" {
			continue
		}
		named, err := currencyNamed(sign, c)
		if err != nil {
			return bellwether.Money{}, fmt.Errorf("%q %w", clip(s), err)
		}
		c = named
	}
	n, err := parseDecimal(number, c.Exponent(), mark)
	if err != nil {
		return bellwether.Money{}, fmt.Errorf("%q is not an amount that can be read", clip(s))
	}
	return bellwether.Money{Amount: n, Currency: c}, nil
}

// splitAmount parts an amount into its number, with a minus where it is below zero, and what stands before and after it.
func splitAmount(s string) (before, number, after string) {
	s = strings.TrimSpace(s)
	minus := false
	if inner, ok := strings.CutPrefix(s, "("); ok && strings.HasSuffix(inner, ")") {
		s, minus = inner[:len(inner)-1], true
	}
	first := strings.IndexFunc(s, unicode.IsDigit)
	if first < 0 {
		return "", s, ""
	}
	if first > 0 && (s[first-1] == '.' || s[first-1] == ',') { // .5, but not Fr.5
		if k := first - 1; k == 0 || s[k-1] < 'A' {
			first = k
		}
	}
	last := strings.LastIndexFunc(s, unicode.IsDigit)
	_, size := utf8.DecodeRuneInString(s[last:])
	last += size
	if last < len(s) && s[last] == '.' {
		last++ // 5.
	}
	trim := func(part string) string {
		return strings.TrimFunc(part, func(r rune) bool {
			if r == '-' || r == '−' {
				minus = true
				return true
			}
			return r == '+' || unicode.IsSpace(r) || r == '\u202f' || r == '\u00a0'
		})
	}
	before, number, after = trim(s[:first]), s[first:last], trim(s[last:])
	if minus {
		number = "-" + number
	}
	return before, number, after
}

// parseDecimal returns s × 10^digits, rounded half away from zero.
func parseDecimal(s string, digits int, mark byte) (int64, error) {
	if n, ok := scaleDecimal(s, digits); ok && (mark != ',' || strings.IndexByte(s, '.') < 0) {
		return n, nil
	}
	plain := plainNumber(s, mark, digits)
	if n, ok := scaleDecimal(plain, digits); ok {
		return n, nil
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err == nil {
		f = math.Round(f * math.Pow10(digits))
		if math.Abs(f) < 1e18 {
			return int64(f), nil
		}
	}
	return 0, fmt.Errorf("%q is not a number that can be read", clip(s))
}

// scaleDecimal is parseDecimal for plain digits with at most one point and at most 17 digits in all.
func scaleDecimal(s string, digits int) (int64, bool) {
	sign := int64(1)
	if s != "" && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if whole == "" && fraction == "" || len(whole)+digits > 17 {
		return 0, false
	}
	round := int64(0)
	if len(fraction) > digits {
		if !allDigits(fraction[digits:]) {
			return 0, false
		}
		if fraction[digits] >= '5' {
			round = 1
		}
		fraction = fraction[:digits]
	}
	n := int64(0)
	for _, part := range []string{whole, fraction} {
		for i := range len(part) {
			if part[i] < '0' || part[i] > '9' {
				return 0, false
			}
			n = n*10 + int64(part[i]-'0')
		}
	}
	for range digits - len(fraction) {
		n *= 10
	}
	return sign * (n + round), true
}

func allDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// plainNumber writes a number as strconv reads it: digits of any script become ASCII's, what parts thousands goes, and the decimal
// mark becomes a point. Of '.' and ',' the last one is the decimal mark where both occur; one that occurs more than once parts
// thousands; one that occurs once is the decimal mark, unless three digits follow it and one to three stand before it, the first no
// zero. Such a number ("1.234", "1,234") is read by the mark of its column; without one by the currency (digits: of its minor unit),
// whose three decimals it shows, and else a point is a decimal mark and a comma is not.
func plainNumber(s string, mark byte, digits int) string {
	s = asciiNumber(s)
	decimal, known := decimalMark(s)
	if !known {
		decimal = likelyMark(s, mark, digits)
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == rune(decimal):
			return '.'
		case r == '.' || r == ',':
			return -1
		}
		return r
	}, s)
}

// likelyMark is the decimal mark of a number that may be either, 0 where its mark parts thousands.
func likelyMark(s string, mark byte, digits int) byte {
	switch own := s[strings.IndexAny(s, ".,")]; {
	case mark != 0:
		return mark
	case digits == 3, own == '.':
		return own
	}
	return 0
}

// asciiNumber takes spaces and apostrophes away and writes the digits and marks of any script as ASCII's.
func asciiNumber(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != '-' && r != ',' }) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\u00a0', '\u202f', '\u2009', '\'', '’', '_', '\u066c':
			return -1
		case '\u066b', '．':
			return '.'
		case '−':
			return '-'
		}
		if r >= utf8.RuneSelf && unicode.IsDigit(r) {
			for zero := r; ; zero-- {
				if !unicode.IsDigit(zero-1) || r-zero == 9 {
					return '0' + (r-zero)%10
				}
			}
		}
		return r
	}, s)
}

// decimalMark is the decimal mark that a number itself shows, 0 where it has none; known is false where it may be either.
func decimalMark(s string) (mark byte, known bool) {
	dots, commas := strings.Count(s, "."), strings.Count(s, ",")
	dot, comma := strings.LastIndexByte(s, '.'), strings.LastIndexByte(s, ',')
	switch {
	case dots == 0 && commas == 0:
		return 0, true
	case dots > 0 && commas > 0 && dot > comma:
		return '.', true
	case dots > 0 && commas > 0:
		return ',', true
	case dots > 1, commas > 1:
		return 0, true
	}
	at := max(dot, comma)
	whole := strings.TrimLeft(s[:at], "+-")
	if len(s)-at-1 == 3 && allDigits(s[at+1:]) && len(whole) >= 1 && len(whole) <= 3 && whole[0] != '0' {
		return 0, false
	}
	return s[at], true
}

// columnMark is the decimal mark that the numbers of a column show, 0 where they show none, or as many one as the other.
func columnMark(values []string) byte {
	votes := map[byte]int{}
	for _, v := range values {
		_, number, _ := splitAmount(v)
		number = asciiNumber(number)
		switch mark, known := decimalMark(number); {
		case known && mark != 0:
			votes[mark]++
		case known && strings.Count(number, ".") > 1:
			votes[',']++
		case known && strings.Count(number, ",") > 1:
			votes['.']++
		}
	}
	switch {
	case votes[','] > votes['.']:
		return ','
	case votes['.'] > votes[',']:
		return '.'
	}
	return 0
}
