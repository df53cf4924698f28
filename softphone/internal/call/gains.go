package call

import (
	"callcenter/audio/mix"
	"callcenter/softphone/internal/callstate"
)

// SetGains turns the microphone and the voice in the ear up or down, from the
// next frame on. The softphone's own sounds have their own level.
func (c *Call) SetGains(g callstate.Gains) {
	c.micGain.Set(g.Microphone)
	c.volume.gain.Set(g.Earpiece)
}

// gains are what the call is set to.
func (c *Call) gains() callstate.Gains {
	return callstate.Gains{Microphone: c.micGain.DB(), Earpiece: c.volume.gain.DB()}
}

// volume is the knob of the ear. What it would turn up beyond full scale is
// turned down without distortion, where a microphone's gain clips and says so.
type volume struct {
	gain    mix.Gain
	limiter mix.Limiter
	wide    [pull]int32
}

// process turns the voice, before cues and protection. It is for the ear.
func (v *volume) process(pcm []int16) {
	if v.gain.Unity() && v.limiter.Gain() == 1 {
		return
	}
	for len(pcm) > 0 {
		n := min(len(pcm), len(v.wide))
		v.gain.Widen(v.wide[:n], pcm[:n])
		v.limiter.Process(pcm[:n], v.wide[:n])
		pcm = pcm[n:]
	}
}
