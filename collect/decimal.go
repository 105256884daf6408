package collect

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"bellwether"
)

// parseMoney reads an amount in major units exactly, rounding what is finer than the minor unit
// half away from zero. It takes "1999", "19.99", "1,234.50", "1.234,50", "19,99 €" and "$5".
func parseMoney(s string, c bellwether.Currency) (bellwether.Money, error) {
	n, err := parseDecimal(s, c.Exponent())
	if err != nil {
		return bellwether.Money{}, err
	}
	return bellwether.Money{Amount: n, Currency: c}, nil
}

// parseDecimal returns s × 10^digits, rounded half away from zero.
func parseDecimal(s string, digits int) (int64, error) {
	plain := plainNumber(s)
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

// plainNumber takes currency signs, spaces and thousands separators away. The last of '.' and ','
// is the decimal point if both occur, or if it occurs once and three digits do not follow a comma.
func plainNumber(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' && r != '-' }) < 0 && strings.Count(s, ".") <= 1 {
		return s
	}
	s = strings.Trim(s, " \t\u00a0$€£¥₹")
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \u00a0\u202f'_", r) {
			return -1
		}
		return r
	}, s)
	dot, comma := strings.LastIndexByte(s, '.'), strings.LastIndexByte(s, ',')
	switch {
	case comma < 0 && strings.Count(s, ".") > 1:
		return strings.ReplaceAll(s, ".", "") // 1.234.567
	case comma < 0:
		return s
	case dot > comma:
		return strings.ReplaceAll(s, ",", "") // 1,234.50
	case dot >= 0, strings.Count(s, ",") == 1 && len(s)-comma != 4:
		return strings.Replace(strings.ReplaceAll(s, ".", ""), ",", ".", 1) // 1.234,50 and 12,5
	}
	return strings.ReplaceAll(s, ",", "") // 1,234
}
