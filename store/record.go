package store

import "time"

// Kind says what the Data of a Record is.
type Kind uint8

// The kinds that the stages write. A reader skips the kinds that it does not know.
const (
	KindEvent    Kind = 1 // a bellwether.Event
	KindDecision Kind = 2 // a bellwether.Decision
	KindItem     Kind = 3 // a bellwether.Item
	KindReject   Kind = 4 // a message that was refused, with its reason
	KindOutcome  Kind = 5 // a bellwether.Outcome
	KindNote     Kind = 6 // anything else
)

// Record is one entry of the log. ID is what readers tell repetitions by.
type Record struct {
	Kind Kind
	ID   string
	Data []byte
}

// Batch is the records that were stored together.
type Batch struct {
	Sequence uint64    // place in the log, from 1
	Time     time.Time // when they were stored
	Records  []Record  // Data may be kept, but must not be changed
}
