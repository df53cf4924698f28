package phone

// SaveBlackBox is being built.
func (p *Phone) SaveBlackBox(string) {}
