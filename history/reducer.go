package history

// Reducer is one step of a pass over people: what it keeps of each person, and how the parts come together.
// A pass cuts people into parts by a hash of their subject; each part has a reducer of its own, and the parts are
// merged in their order, so that the result does not depend on the number of processors.
type Reducer interface {
	// Fork returns an empty reducer with the same settings, for one part of the people.
	Fork() Reducer
	// Add takes one person in. It must keep nothing that p points to but copies.
	Add(p *Person) error
	// Merge takes in what a fork of the same reducer kept of the next part.
	Merge(next Reducer) error
	// Done is called once, after the last Merge.
	Done() error
}
