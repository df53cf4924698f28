package audition

import (
	"fmt"
	"time"

	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/sound"
)

const (
	// recordTime is how much is recorded.
	recordTime = 3 * time.Second
	// mute is how long a microphone may take to bring anything.
	mute = 3 * time.Second
)

// recorder is the test recording. Its zero value has none.
type recorder struct {
	state callstate.RecordState
	row   *row // whose microphone; kept when it is over
	pcm   []int16
	peak  float64
	err   string
	heard time.Duration // when the microphone brought something last
	fresh bool          // it did since the last look
}

// takes reports that r is recorded.
func (c *recorder) takes(r *row) bool { return c.state == callstate.RecordListening && c.row == r }

// add takes what r has brought.
func (c *recorder) add(r *row, pcm []int16) {
	if c.takes(r) {
		c.pcm = append(c.pcm, pcm[:min(len(pcm), cap(c.pcm)-len(c.pcm))]...)
		c.fresh = true
	}
}

// failed ends the recording of r.
func (c *recorder) failed(r *row, why string) {
	if c.takes(r) {
		c.over(why)
	}
}

// over ends the recording; what was recorded is forgotten.
func (c *recorder) over(why string) {
	c.state, c.pcm, c.err = callstate.RecordIdle, nil, why
}

func (c *recorder) shown(s *sitting) callstate.Recording {
	r := callstate.Recording{State: c.state, Peak: c.peak, Err: c.err}
	if c.row != nil {
		r.Device = c.row.key
	}
	switch c.state {
	case callstate.RecordListening:
		r.Left, r.Peak = recordTime-audio.Duration(len(c.pcm)), level.Peak(c.pcm)
	case callstate.RecordPlaying:
		if s.speaker != nil {
			r.Left = s.speaker.left()
		}
	case callstate.RecordIdle:
	}
	return r
}

// record begins a recording, or ends the one that runs.
func (s *sitting) record(r *row) {
	running := s.recorder.state != callstate.RecordIdle && s.recorder.row == r
	s.quiet()
	if running {
		return
	}
	s.recorder = recorder{
		state: callstate.RecordListening, row: r, heard: s.now, peak: level.Floor,
		pcm: make([]int16, 0, audio.Samples(recordTime)),
	}
	r.again = 0
}

// listen goes on with the recording.
func (s *sitting) listen() {
	c := &s.recorder
	if c.state != callstate.RecordListening {
		return
	}
	if c.fresh {
		c.fresh, c.heard = false, s.now
	}
	switch {
	case c.row.gone:
		c.over("the microphone is gone")
	case len(c.pcm) == cap(c.pcm):
		s.playBack()
	case s.now-c.heard >= mute:
		c.over(fmt.Sprintf("the microphone brought nothing for %.0f s", mute.Seconds()))
	}
}

// playBack plays what was recorded.
func (s *sitting) playBack() {
	c := &s.recorder
	c.peak = level.Peak(c.pcm)
	ear, err := s.ear()
	if err != nil {
		c.over(err.Error())
		return
	}
	fadeEdges(c.pcm)
	c.state = callstate.RecordPlaying
	pcm := c.pcm
	s.speak(ear, len(pcm), func(dst []int16, from int) { copy(dst, pcm[from:]) })
}

// ear is the earpiece of the call, or the chosen one, or the default.
func (s *sitting) ear() (*row, error) {
	for _, r := range s.earpieces {
		if s.inCall(r.info) && !r.gone {
			return r, nil
		}
	}
	d, ok := s.bench.cfg.Choices.Chosen(s.list, sound.Playback)
	if !ok {
		var err error
		if d, err = sound.Default(s.list, sound.Playback); err != nil {
			return nil, err
		}
	}
	for _, r := range s.earpieces {
		if r.info.ID == d.ID && !r.gone {
			return r, nil
		}
	}
	// Only the sound system knows its default.
	return &row{key: d.Name, info: d}, nil
}
