package bellwether

import "slices"

func (d *Dataset) field(c *coder, n int) bool {
	switch n {
	case 1:
		field(c, &d.Project, text)
	case 2:
		field(c, &d.Name, text)
	case 3:
		fieldTime(c, &d.AsOf)
	case 4:
		field(c, &d.Digest, text)
	case 5:
		fieldPointer(c, &d.Sequences, sequences)
	case 6:
		fieldPointer(c, &d.Table, table)
	case 7:
		fieldContext(c, d.Sequences)
	default:
		return false
	}
	return true
}

func sequences(c *coder, s *Sequences) {
	list(c, &s.Items, 1, text)
	list(c, &s.Types, 1, text)
	list(c, &s.People, 1, text)
	list(c, &s.Steps, 1, steps)
	list(c, &s.TrainEnd, 1, integer)
	list(c, &s.Validation, 2, target)
	list(c, &s.Test, 2, target)
}

// steps codes one person's steps, each time as the difference to the one before.
func steps(c *coder, p *[]Step) {
	last := int64(0)
	list(c, p, 5, func(c *coder, s *Step) {
		integer(c, &s.Item)
		octet(c, &s.Type)
		integer(c, &s.Quantity)
		integer(c, &s.Price)
		gap := s.Time - last
		integer(c, &gap)
		last += gap
		s.Time = last
	})
}

// fieldContext codes what sequences hold beside their first fields; it is left out where they hold nothing else.
func fieldContext(c *coder, s *Sequences) {
	if s == nil {
		c.absent = !c.reading
		if c.reading {
			c.fail("has the context of sequences that it lacks")
		}
		return
	}
	var marked uint8 // a step has a channel or a campaign
	if !c.reading && s.marked() {
		marked = 1
	}
	if !c.reading && marked == 0 && len(s.Channels)+len(s.Campaigns)+len(s.Categories)+len(s.Content) == 0 {
		c.absent = true
		return
	}
	list(c, &s.Channels, 1, text)
	list(c, &s.Campaigns, 1, text)
	list(c, &s.Categories, 1, text)
	list(c, &s.Content, 4, float32Bits)
	if octet(c, &marked); marked == 0 {
		return
	}
	for _, steps := range s.Steps {
		for i := 0; i < len(steps) && c.reason == ""; i++ {
			octet(c, &steps[i].Channel)
			integer(c, &steps[i].Campaign)
		}
	}
}

// marked reports whether a step has a channel or a campaign.
func (s *Sequences) marked() bool {
	return slices.ContainsFunc(s.Steps, func(steps []Step) bool {
		return slices.ContainsFunc(steps, func(s Step) bool { return s.Channel != 0 || s.Campaign != 0 })
	})
}

func target(c *coder, t *Target) {
	integer(c, &t.Person)
	integer(c, &t.At)
}

func table(c *coder, t *Table) {
	list(c, &t.Subjects, 1, text)
	list(c, &t.Columns, 5, column)
	list(c, &t.Target, 8, float)
	list(c, &t.Split, 1, octet)
	text(c, &t.Positive)
}

// column codes a column; that it is of categories is said apart, since it may have no rows.
func column(c *coder, p *Column) {
	text(c, &p.Name)
	var categorical uint8
	if p.Categorical() {
		categorical = 1
	}
	octet(c, &categorical)
	list(c, &p.Numbers, 8, float)
	list(c, &p.Codes, 1, integer)
	list(c, &p.Levels, 1, text)
	if categorical == 1 && p.Codes == nil {
		p.Codes = []int32{}
	}
}
