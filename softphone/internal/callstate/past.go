package callstate

// How a call ended, of those that did not end by themselves.
const (
	PastGoesOn = "going on" // it did not end: it is the call of now, or that of another softphone
	PastCut    = "cut"      // its softphone died
)
