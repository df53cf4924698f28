package opus

/*
#cgo pkg-config: opus
#include <opus.h>

static int set_prediction_disabled(void *encoder, int disabled)
{
	return opus_encoder_ctl((OpusEncoder *)encoder, OPUS_SET_PREDICTION_DISABLED(disabled));
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"

	libopus "github.com/hraban/opus"
)

// SetPrediction says whether frames may be predicted from those before them, from
// the next one on; at first they may. A frame that may not takes up to twice the
// bytes, and is understood by whoever has heard another encoder until then. It does
// not allocate.
func (e *encoder) SetPrediction(on bool) error {
	disabled := C.int(1)
	if on {
		disabled = 0
	}
	code := C.set_prediction_disabled(state(e.enc), disabled)
	runtime.KeepAlive(e)
	if code != C.OPUS_OK {
		return fmt.Errorf("set opus encoder's prediction: %w", libopus.Error(code))
	}
	return nil
}

// state is libopus's own encoder. The binding has no call for its prediction, and
// keeps the pointer in its first field.
func state(enc *libopus.Encoder) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(enc)) }
