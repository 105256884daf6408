package collect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// The most that a page may claim to hold. The Parquet reader takes memory for what a header
// claims before it looks at the data, so that a few bytes could ask for gigabytes.
const (
	maxPageHeader = 64 << 10 // bytes
	maxPageValues = 16 << 20
	maxPage       = 256 << 20 // bytes, unpacked
	freePage      = 16 << 20  // bytes that any page may unpack to
	maxPageRatio  = 4096      // of unpacked to packed bytes beyond that
)

var errPage = errors.New("a page claims more than it can hold")

// checkFooter reports a footer that is longer than the file.
func checkFooter(at io.ReaderAt, size int64) error {
	var end [8]byte
	if _, err := at.ReadAt(end[:], size-int64(len(end))); err != nil && err != io.EOF {
		return fmt.Errorf("read its end: %w", err)
	}
	if footer := int64(binary.LittleEndian.Uint32(end[:4])); footer > size-int64(len(end))-4 {
		return fmt.Errorf("its footer of %d bytes is longer than the file", footer)
	}
	return nil
}

// checkPages looks at the headers of all pages of a file.
func checkPages(at io.ReaderAt, size int64, meta *format.FileMetaData) error {
	for _, group := range meta.RowGroups {
		for i := range group.Columns {
			m := &group.Columns[i].MetaData
			start := m.DataPageOffset
			if m.DictionaryPageOffset > 0 {
				start = m.DictionaryPageOffset
			}
			if start < 0 || start > size || m.TotalCompressedSize < 0 {
				return fmt.Errorf("a column begins at byte %d of %d", start, size)
			}
			if err := checkChunk(at, start, min(start+min(m.TotalCompressedSize, size), size)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkChunk looks at the headers of the pages between two offsets.
func checkChunk(at io.ReaderAt, start, end int64) error {
	window := make([]byte, min(maxPageHeader, end-start))
	for start < end {
		n, err := at.ReadAt(window[:min(maxPageHeader, end-start)], start)
		if n == 0 && err != nil {
			return fmt.Errorf("read a page: %w", err)
		}
		var header format.PageHeader
		length, err := pageHeader(window[:n], &header)
		if err != nil {
			return fmt.Errorf("the header of the page at byte %d: %w", start, err)
		}
		start += length
		if err := checkPage(&header, end-start); err != nil {
			return err
		}
		start += int64(header.CompressedPageSize)
	}
	return nil
}

// pageHeader decodes the header that b begins with and returns its length. It decodes twice:
// the reader of bytes believes no length beyond them, and the other one tells how many it took.
func pageHeader(b []byte, h *format.PageHeader) (length int64, err error) {
	protocol := new(thrift.CompactProtocol)
	if err := thrift.NewDecoder(protocol.NewReaderFromBytes(b)).Decode(h); err != nil {
		return 0, err
	}
	r := bytes.NewReader(b)
	*h = format.PageHeader{}
	err = thrift.NewDecoder(protocol.NewReader(r)).Decode(h)
	return int64(len(b) - r.Len()), err
}

// checkPage looks at one header; left is the bytes that follow it.
func checkPage(h *format.PageHeader, left int64) error {
	values := max(h.DataPageHeader.V.NumValues, h.DataPageHeaderV2.V.NumValues, h.DictionaryPageHeader.V.NumValues)
	packed, unpacked := int64(h.CompressedPageSize), int64(h.UncompressedPageSize)
	if packed < 0 || packed > left || values > maxPageValues || unpacked > min(maxPage, max(freePage, maxPageRatio*packed)) {
		return fmt.Errorf("%w: %d values in %d bytes, %d unpacked", errPage, values, packed, unpacked)
	}
	return nil
}
