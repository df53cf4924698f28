//go:build cgo && !nospeexdsp

package clean

/*
#cgo pkg-config: speexdsp
#cgo noescape speex_preprocess_run
#cgo nocallback speex_preprocess_run
#include <speex/speex_preprocess.h>
*/
import "C"

import (
	"fmt"
	"unsafe"

	"callcenter/audio"
)

// HasDenoise says whether noise suppression was built in. It is false in a build
// with the tag nospeexdsp, or without cgo.
const HasDenoise = true

// denoiser is SpeexDSP's noise suppression.
type denoiser struct {
	state *C.SpeexPreprocessState // nil when closed
	hop   int
}

// newDenoiser returns one that works on overlapping stretches of twice hop
// samples, and so delays by hop, a divisor of blockSamples.
func newDenoiser(hop int) (*denoiser, error) {
	state := C.speex_preprocess_state_init(C.int(hop), audio.Rate)
	if state == nil {
		return nil, fmt.Errorf("set up noise suppression: SpeexDSP gives no state for %d samples at %d Hz; call without noise suppression", hop, audio.Rate)
	}
	d := &denoiser{state: state, hop: hop}
	// Its voice detection is off from the start. To say so once more makes the
	// library print a warning.
	for _, option := range []struct {
		name    string
		request C.int
		value   C.spx_int32_t
	}{
		{"noise suppression", C.SPEEX_PREPROCESS_SET_DENOISE, 1},
		{"depth of the noise suppression", C.SPEEX_PREPROCESS_SET_NOISE_SUPPRESS, suppress},
		{"level control", C.SPEEX_PREPROCESS_SET_AGC, 0},
		{"removal of reverberation", C.SPEEX_PREPROCESS_SET_DEREVERB, 0},
	} {
		value := unsafe.Pointer(&option.value)
		if C.speex_preprocess_ctl(state, option.request, value) != 0 {
			d.close()
			return nil, fmt.Errorf("set up noise suppression: SpeexDSP refuses to set its %s to %d; call without noise suppression", option.name, option.value)
		}
	}
	return d, nil
}

// run suppresses the noise in pcm, where it is.
func (d *denoiser) run(pcm *[blockSamples]int16) {
	if d.state == nil {
		return
	}
	for at := 0; at+d.hop <= len(pcm); at += d.hop {
		C.speex_preprocess_run(d.state, (*C.spx_int16_t)(unsafe.Pointer(&pcm[at])))
	}
}

// close gives the state back. It may be called again.
func (d *denoiser) close() {
	if d.state != nil {
		C.speex_preprocess_state_destroy(d.state)
		d.state = nil
	}
}
