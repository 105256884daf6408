package store_test

import (
	"encoding/json"
	"testing"

	"bellwether"
	"bellwether/store"
)

// BenchmarkRecords writes and reads the records of the migrated folder, with JSON beside it for
// scale: nanoseconds and bytes a record. docs/adr/0024-records-cbor.md has the figures of format 1.
func BenchmarkRecords(b *testing.B) {
	p := project(b, open(b, oldFolder(b), store.Options{}))
	kinds := map[store.Kind]string{store.KindEvent: "event", store.KindDecision: "decision", store.KindItem: "item"}
	data := map[string][][]byte{}
	err := p.Log.Read(ctx, 0, func(batch store.Batch) error {
		for _, r := range batch.Records {
			if name, ok := kinds[r.Kind]; ok {
				data[name] = append(data[name], r.Data)
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for name, example := range map[string]any{"event": new(bellwether.Event), "decision": new(bellwether.Decision), "item": new(bellwether.Item)} {
		var records []any
		var texts [][]byte
		stored, text := 0, 0
		for _, d := range data[name] {
			r := newLike(example)
			if err := store.Decode(d, r); err != nil {
				b.Fatal(err)
			}
			j, err := json.Marshal(r)
			if err != nil {
				b.Fatal(err)
			}
			records, texts = append(records, r), append(texts, j)
			stored, text = stored+len(d), text+len(j)
		}
		each := func(what string, size int, do func(i int) error) {
			b.Run(name+"/"+what, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					for i := range records {
						if err := do(i); err != nil {
							b.Fatal(err)
						}
					}
				}
				n := float64(len(records))
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/record")
				b.ReportMetric(float64(size)/n, "B/record")
			})
		}
		each("encode", stored, func(i int) error { _, err := store.Encode(records[i]); return err })
		each("decode", stored, func(i int) error { return store.Decode(data[name][i], example) })
		each("encode-json", text, func(i int) error { _, err := json.Marshal(records[i]); return err })
		each("decode-json", text, func(i int) error { return json.Unmarshal(texts[i], newLike(example)) })
	}
}
