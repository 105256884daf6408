package collect

import (
	"bytes"
	"fmt"
	"strings"
)

// foreign are beginnings of files that are no text, Parquet, gzip or Zstandard: what they are and what to do.
var foreign = []struct{ begin, what string }{
	{"BZh", "a bzip2 archive: unpack it first, such as bzcat FILE | bellwether import -"},
	{"\xfd7zXZ\x00", "an xz archive: unpack it first, such as xzcat FILE | bellwether import -"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"},
	{"Rar!\x1a\x07", "a rar archive: unpack it first"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old spreadsheet or document (.xls, .doc): save the sheet as CSV"},
	{"%PDF-", "a PDF: export the table behind it as CSV"},
	{"SQLite format 3\x00", "a SQLite database: write a query of it as CSV, such as sqlite3 -csv -header FILE 'select …'"},
	{"Obj\x01", "an Avro file: write it as Parquet or JSON lines"},
	{"ORC", "an ORC file: write it as Parquet"},
	{"ARROW1", "an Arrow or Feather file: write it as Parquet"},
	{"FEA1", "a Feather file: write it as Parquet"},
	{"\x1f\x8b", "gzip within gzip: unpack it once more"},
	{"{\\rtf", "a document (.rtf): save the table as CSV"},
}

// recognise reports a source that is something else than what can be read, with what it is and what to do.
func recognise(sample []byte) error {
	if bytes.HasPrefix(sample, []byte("PK\x03\x04")) {
		what := "a zip archive: unpack it first, such as unzip -p FILE | bellwether import -"
		for _, part := range []string{"[Content_Types].xml", "xl/", "_rels/", "application/vnd.oasis", "docProps/"} {
			if bytes.Contains(sample, []byte(part)) {
				what = "a spreadsheet (.xlsx, .ods): save the sheet as CSV"
			}
		}
		return fmt.Errorf("%w: it is %s", ErrFormat, what)
	}
	for _, f := range foreign {
		if bytes.HasPrefix(sample, []byte(f.begin)) && (f.begin != "ORC" || bytes.IndexByte(sample[:min(len(sample), 64)], 0) >= 0) {
			return fmt.Errorf("%w: it is %s", ErrFormat, f.what)
		}
	}
	text := strings.ToLower(string(bytes.TrimLeft(sample[:min(len(sample), 400)], " \t\r\n")))
	switch {
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"):
		return fmt.Errorf("%w: it is an HTML page, such as a login or an error: download the file itself", ErrFormat)
	case strings.HasPrefix(text, "<?xml"), strings.HasPrefix(text, "<rss"), strings.HasPrefix(text, "<feed"):
		return fmt.Errorf("%w: it is XML: export it as CSV, or as a feed between tabs", ErrFormat)
	}
	return nil
}
