package collect

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	utf "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// decode makes s UTF-8: from the encoding that is named, or from the one that its beginning shows. It returns the name of the
// encoding that the text was in, "" for UTF-8. A byte order mark is skipped.
func (s *source) decode(named string) (name string, err error) {
	sample, err := s.sample()
	if err != nil {
		return "", err
	}
	if bytes.HasPrefix(sample, []byte("PAR1")) {
		return "", nil
	}
	e := encoding.Encoding(nil)
	if named != "" {
		if e, err = htmlindex.Get(named); err != nil {
			return "", fmt.Errorf("%w: there is no encoding %q; there are utf-8, windows-1252, iso-8859-1, utf-16le, utf-16be, shift_jis, gb18030 and the others of the web", ErrFormat, clip(named))
		}
		name = named
	} else {
		name, e = guessEncoding(sample)
	}
	if strings.EqualFold(name, "utf-8") || strings.EqualFold(name, "utf8") {
		name, e = "", nil
	}
	if e != nil {
		s.Reader, s.plain = bufio.NewReaderSize(transform.NewReader(s.Reader, e.NewDecoder()), sampleSize), nil
	}
	if head, _ := s.Peek(3); string(head) == "\ufeff" {
		_, _ = s.Discard(3)
	}
	return name, nil
}

// guessEncoding tells the encoding of a text by its beginning; nil is UTF-8.
func guessEncoding(sample []byte) (string, encoding.Encoding) {
	switch {
	case bytes.HasPrefix(sample, []byte("\xff\xfe")):
		return "UTF-16", utf.UTF16(utf.LittleEndian, utf.ExpectBOM)
	case bytes.HasPrefix(sample, []byte("\xfe\xff")):
		return "UTF-16", utf.UTF16(utf.BigEndian, utf.ExpectBOM)
	}
	even, odd := zeros(sample)
	switch most := len(sample) / 2; {
	case len(sample) >= 8 && odd > most/3 && even == 0:
		return "UTF-16LE", utf.UTF16(utf.LittleEndian, utf.IgnoreBOM)
	case len(sample) >= 8 && even > most/3 && odd == 0:
		return "UTF-16BE", utf.UTF16(utf.BigEndian, utf.IgnoreBOM)
	case even+odd > 0 || validBeginning(sample):
		return "", nil
	}
	text, alone := highRuns(sample)
	switch {
	case 10*alone > 3*text: // high bytes among letters: an alphabet of one byte
		return "Windows-1252", charmap.Windows1252
	case readsAs(sample, japanese.ShiftJIS, isKana) && leads(sample, 0x81, 0x9f):
		return "Shift_JIS", japanese.ShiftJIS
	case readsAs(sample, simplifiedchinese.GB18030, func(r rune) bool { return unicode.Is(unicode.Han, r) }):
		return "GB18030", simplifiedchinese.GB18030
	}
	return "Windows-1251", charmap.Windows1251
}

// zeros counts the zero bytes at even and at odd places.
func zeros(sample []byte) (even, odd int) {
	for i, c := range sample {
		switch {
		case c != 0:
		case i%2 == 0:
			even++
		default:
			odd++
		}
	}
	return even, odd
}

// validBeginning reports UTF-8, of which the last character may be cut.
func validBeginning(sample []byte) bool {
	for cut := range utf8.UTFMax {
		if cut <= len(sample) && utf8.Valid(sample[:len(sample)-cut]) {
			return cut == 0 || len(sample) >= sampleSize/2
		}
	}
	return false
}

// highRuns counts the bytes above ASCII, and those of them that stand alone.
func highRuns(sample []byte) (all, alone int) {
	high := func(i int) bool { return i >= 0 && i < len(sample) && sample[i] >= 0x80 }
	for i := range sample {
		if high(i) {
			all++
			if !high(i-1) && !high(i+1) {
				alone++
			}
		}
	}
	return all, alone
}

// leads reports whether some bytes above ASCII lie between two: the first bytes of kana and kanji do.
func leads(sample []byte, from, to byte) bool {
	for _, c := range sample {
		if from <= c && c <= to {
			return true
		}
	}
	return false
}

// readsAs reports whether a text can be read in an encoding, most of its other characters being expected ones.
func readsAs(sample []byte, e encoding.Encoding, expected func(rune) bool) bool {
	text, err := io.ReadAll(transform.NewReader(bytes.NewReader(sample), e.NewDecoder()))
	if err != nil {
		return false
	}
	some, all := 0, 0
	for i, r := range string(text) {
		switch {
		case r == utf8.RuneError && i < len(text)-8:
			return false
		case r >= utf8.RuneSelf:
			all++
			if expected(r) || unicode.Is(unicode.Han, r) || unicode.IsPunct(r) {
				some++
			}
		}
	}
	return all > 0 && 10*some >= 8*all
}

func isKana(r rune) bool { return unicode.Is(unicode.Hiragana, r) || unicode.Is(unicode.Katakana, r) }

// checkText reports JSON that is no Unicode: read on, two people whose names differ there would be one.
func checkText(raw []byte) error {
	if err := checkUTF8(raw); err != nil || !loneSurrogate(raw) {
		return err
	}
	return fmt.Errorf("has half of a character: a lone surrogate such as \\ud800")
}

// checkUTF8 is checkText for text that is no JSON.
func checkUTF8(raw []byte) error {
	if !utf8.Valid(raw) {
		at := 0
		for at < len(raw) {
			r, size := utf8.DecodeRune(raw[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		return fmt.Errorf("is no UTF-8 at byte %d; name the encoding, such as --encoding windows-1252", at)
	}
	return nil
}

// loneSurrogate reports a JSON escape that is half of a character.
func loneSurrogate(raw []byte) bool {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 || i+1 >= len(raw) {
			return false
		}
		raw = raw[i:]
		unit, n := escapedUnit(raw)
		switch {
		case n == 0:
			raw = raw[2:]
			continue
		case 0xdc00 <= unit && unit < 0xe000:
			return true
		case 0xd800 <= unit && unit < 0xdc00:
			low, m := escapedUnit(raw[n:])
			if m == 0 || low < 0xdc00 || low >= 0xe000 {
				return true
			}
			n += m
		}
		raw = raw[n:]
	}
}

// escapedUnit is the UTF-16 unit of an escape \uXXXX, and its length; 0 where there is none.
func escapedUnit(b []byte) (unit, n int) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, 0
	}
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			unit = unit<<4 + int(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			unit = unit<<4 + int(c|0x20-'a') + 10
		default:
			return 0, 0
		}
	}
	return unit, 6
}
