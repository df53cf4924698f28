package tui

// idleBlocks are what takes the place of the figures while the line is idle.
func (m *model) idleBlocks() []block { return nil }
