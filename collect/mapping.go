package collect

// Mapping says how a row of a table becomes an event or an item.
type Mapping struct{}
