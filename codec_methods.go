package bellwether

// AppendBinary appends e's binary form to b.
func (e *Event) AppendBinary(b []byte) ([]byte, error) { return appendRecord(b, "event", e) }

// MarshalBinary returns e's binary form.
func (e *Event) MarshalBinary() ([]byte, error) { return e.AppendBinary(nil) }

// UnmarshalBinary replaces e by the record in b; an error is a *FormatError.
func (e *Event) UnmarshalBinary(b []byte) error {
	*e = Event{}
	return readRecord(b, "event", e)
}

// AppendBinary appends i's binary form to b.
func (i *Item) AppendBinary(b []byte) ([]byte, error) { return appendRecord(b, "item", i) }

// MarshalBinary returns i's binary form.
func (i *Item) MarshalBinary() ([]byte, error) { return i.AppendBinary(nil) }

// UnmarshalBinary replaces i by the record in b; an error is a *FormatError.
func (i *Item) UnmarshalBinary(b []byte) error {
	*i = Item{}
	return readRecord(b, "item", i)
}

// AppendBinary appends p's binary form to b.
func (p *Profile) AppendBinary(b []byte) ([]byte, error) { return appendRecord(b, "profile", p) }

// MarshalBinary returns p's binary form.
func (p *Profile) MarshalBinary() ([]byte, error) { return p.AppendBinary(nil) }

// UnmarshalBinary replaces p by the record in b; an error is a *FormatError.
func (p *Profile) UnmarshalBinary(b []byte) error {
	*p = Profile{}
	return readRecord(b, "profile", p)
}

// AppendBinary appends d's binary form to b.
func (d *Decision) AppendBinary(b []byte) ([]byte, error) { return appendRecord(b, "decision", d) }

// MarshalBinary returns d's binary form.
func (d *Decision) MarshalBinary() ([]byte, error) { return d.AppendBinary(nil) }

// UnmarshalBinary replaces d by the record in b; an error is a *FormatError.
func (d *Decision) UnmarshalBinary(b []byte) error {
	*d = Decision{}
	return readRecord(b, "decision", d)
}

// AppendBinary appends o's binary form to b.
func (o *Outcome) AppendBinary(b []byte) ([]byte, error) { return appendRecord(b, "outcome", o) }

// MarshalBinary returns o's binary form.
func (o *Outcome) MarshalBinary() ([]byte, error) { return o.AppendBinary(nil) }

// UnmarshalBinary replaces o by the record in b; an error is a *FormatError.
func (o *Outcome) UnmarshalBinary(b []byte) error {
	*o = Outcome{}
	return readRecord(b, "outcome", o)
}

// AppendBinary appends p's binary form to b.
func (p *Prediction) AppendBinary(b []byte) ([]byte, error) { return appendRecord(b, "prediction", p) }

// MarshalBinary returns p's binary form.
func (p *Prediction) MarshalBinary() ([]byte, error) { return p.AppendBinary(nil) }

// UnmarshalBinary replaces p by the record in b; an error is a *FormatError.
func (p *Prediction) UnmarshalBinary(b []byte) error {
	*p = Prediction{}
	return readRecord(b, "prediction", p)
}

// AppendBinary appends d's binary form to b.
func (d *Dataset) AppendBinary(b []byte) ([]byte, error) { return appendRecord(b, "dataset", d) }

// MarshalBinary returns d's binary form.
func (d *Dataset) MarshalBinary() ([]byte, error) { return d.AppendBinary(nil) }

// UnmarshalBinary replaces d by the record in b; an error is a *FormatError.
func (d *Dataset) UnmarshalBinary(b []byte) error {
	*d = Dataset{}
	return readRecord(b, "dataset", d)
}
