//go:build !cgo || nospeexdsp

package clean

// HasDenoise says whether noise suppression was built in. It is false in a build
// with the tag nospeexdsp, or without cgo.
const HasDenoise = false

// denoiser stands where noise suppression would be. It is never run, since
// Denoise cannot be switched on.
type denoiser struct{}

func newDenoiser(int) (*denoiser, error) { return &denoiser{}, nil }

func (*denoiser) run(*[blockSamples]int16) {}

func (*denoiser) close() {}
