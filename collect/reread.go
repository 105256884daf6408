package collect

func (c *Collector) reread(r *Rejected) (message, error) { return message{}, nil }
