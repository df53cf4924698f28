package call

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"

	"callcenter/audio"
	"callcenter/audio/level"
)

// When an operator is told of talking into a muted microphone.
const (
	hintLevel   = -35.0                  // dBFS RMS of a frame that may be speech
	hintGrace   = time.Second            // after muting: what is being said runs on
	hintEnough  = 500 * time.Millisecond // of speech
	hintSound   = 60 * time.Millisecond  // the least of a voiced sound; a key's click is shorter
	hintLeak    = 4                      // how many times as long a pause takes back what speech gave
	hintFor     = 4 * time.Second        // the hint is shown
	hintSilence = 30 * time.Second       // without speech, after which there may be another

	// Voiced speech repeats itself, with a pitch of 80 to 400 Hz.
	pitchRate  = 8000 // Hz, to which frames are brought for it
	pitchStep  = audio.Rate / pitchRate
	pitchShort = pitchRate / 400 // samples
	pitchLong  = pitchRate / 80
	pitchSpan  = 25 * pitchRate / 1000 // that are compared
	pitchLike  = 0.55                  // correlation of voiced speech, at least
	pitchDip   = 0.4                   // under which it went before, as that of rumble does not

	// Speech is restless: a quarter of its frames differ from the one before.
	restlessBy    = 1.0 // dB
	restlessOf    = 25  // frames
	restlessLeast = restlessOf / 4
)

// mutedTalk decides when to tell an operator of talking into a muted microphone:
// after half a second of real speech at this mute, once, until half a minute of
// silence or another mute. Speech is what the voice decision takes for it, loud,
// with a pitch, and restless. So it is no cough, keyboard, breath, noise or hum,
// and no speech that ran on while mute was pressed.
//
// Its zero value is ready. The uplink adds frames; shown and hints are for any
// goroutine. Nothing allocates.
type mutedTalk struct {
	muted bool
	since time.Duration // the mute
	heard time.Duration // the newest speech
	given time.Duration // of speech, less what pauses took back
	run   time.Duration // of the voiced sound that goes on
	told  bool

	past     [pitchSpan + pitchLong]float32 // at pitchRate, the newest last
	before   float32                        // for the first difference
	last     float64                        // level of the frame before
	restless uint32                         // a bit for each frame: it differed

	until atomic.Int64 // clock reading up to which the hint is shown
	count atomic.Uint64
}

// add listens to a frame, as it would be sent, of a microphone that is muted, or
// not, or held.
func (m *mutedTalk) add(pcm []int16, voice, muted bool, now time.Duration) {
	if !muted {
		if m.muted {
			m.muted = false
			m.until.Store(0)
		}
		return
	}
	if !m.muted {
		m.muted, m.since, m.heard = true, now, now
		m.given, m.run, m.told, m.restless = 0, 0, false, 0
	}
	d, speech := audio.Duration(len(pcm)), m.hears(pcm, voice)
	switch {
	case !speech:
		m.run = 0
		m.given = max(0, m.given-d/hintLeak)
	case now-m.since >= hintGrace:
		m.heard = now
		was := m.run
		m.run += d
		switch {
		case was >= hintSound:
			m.given += d
		case m.run >= hintSound:
			m.given += m.run
		}
	}
	m.tell(now)
}

// tell shows the hint when it is due.
func (m *mutedTalk) tell(now time.Duration) {
	switch {
	case m.told && now-m.heard >= hintSilence:
		m.told, m.given = false, 0
	case !m.told && m.given >= hintEnough:
		m.told = true
		m.count.Add(1)
		m.until.Store(int64(now + hintFor))
	}
}

// hears reports that a frame is of voiced speech.
func (m *mutedTalk) hears(pcm []int16, voice bool) bool {
	now := level.RMS(pcm)
	m.restless <<= 1
	if math.Abs(now-m.last) > restlessBy {
		m.restless |= 1
	}
	m.last = now
	m.remember(pcm)
	return voice && now >= hintLevel && m.isRestless() && m.isVoiced()
}

// shown reports that the hint is shown at now.
func (m *mutedTalk) shown(now time.Duration) bool { return int64(now) < m.until.Load() }

// hints is how often it was.
func (m *mutedTalk) hints() uint64 { return m.count.Load() }

// isRestless reports that the level of the newest frames changes as speech does.
func (m *mutedTalk) isRestless() bool {
	return bits.OnesCount32(m.restless&(1<<restlessOf-1)) >= restlessLeast
}

// remember keeps the newest samples for the pitch: at a lower rate, and their
// differences, which makes less of rumble and more of formants.
func (m *mutedTalk) remember(pcm []int16) {
	n := min(len(pcm)/pitchStep, len(m.past))
	copy(m.past[:], m.past[n:])
	pcm = pcm[len(pcm)-n*pitchStep:]
	for i := range n {
		sum := 0
		for _, x := range pcm[i*pitchStep:][:pitchStep] {
			sum += int(x)
		}
		x := float32(sum)
		m.past[len(m.past)-n+i], m.before = x-m.before, x
	}
}

// isVoiced reports that the newest 25 ms are like what was a pitch period before:
// the greatest of the normalized autocorrelation, beyond the lag at which it had
// become small.
func (m *mutedTalk) isVoiced() bool {
	newest := m.past[pitchLong:]
	own := dot(newest, newest)
	dipped := false
	for lag := pitchShort / 4; lag <= pitchLong; lag++ {
		past := m.past[pitchLong-lag:][:pitchSpan]
		like := dot(newest, past)
		like /= float32(math.Sqrt(float64(own*dot(past, past)))) + 1
		dipped = dipped || like < pitchDip
		if dipped && lag >= pitchShort && like > pitchLike {
			return true
		}
	}
	return false
}

// dot is the sum of the products of two signals of one length.
func dot(a, b []float32) float32 {
	var sum float32
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}
