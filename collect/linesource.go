package collect

import (
	"context"
	"fmt"
	"io"
	"time"
)

// source imports s in the format that was named or that its beginning tells.
func (im *importer) source(ctx context.Context, s *source) error {
	sample, err := s.sample()
	if err != nil || len(sample) == 0 {
		return err
	}
	format := im.o.Format
	switch format {
	case "", FormatItems, FormatSpend, FormatPrices:
		format = detect(sample)
		if format == FormatSequence && im.o.Format != "" || im.o.Mapping != nil && format != FormatParquet && sample[0] != '{' {
			format = FormatCSV
		}
		if im.o.Mapping != nil && sample[0] == '{' {
			format = FormatJSON
		}
	}
	if im.out.Format == "" {
		im.out.Format = format
	}
	return im.read1(ctx, s, sample, format)
}
