package call

import "time"

// Of this branch only: the softphone's own sounds bring the real one.

func (c *Call) localDigit(rune, time.Duration) {}
