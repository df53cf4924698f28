package audition

import (
	"math"
	"time"

	"callcenter/audio"
	"callcenter/audio/port"
	"callcenter/audio/protect"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/sound"
)

const (
	// toneTime is how long the test tone lasts.
	toneTime = 5 * time.Second
	// toneLevel is its level, in dBFS of peaks.
	toneLevel = -20.0
	// The tone is three notes that rise, an a and the major chord above it, and a
	// rest: so it is told from a hum, and how often it came can be counted.
	noteTime = 300 * time.Millisecond
	restTime = 350 * time.Millisecond
	// edge is how long a note takes to come up and to go.
	edge = 10 * time.Millisecond
	// ahead is how much waits to be played: the bench may be late by that.
	ahead = 300 * time.Millisecond
	// tail is how long an earpiece stays open after all was handed to it.
	tail = 300 * time.Millisecond
	// stuck is how long an earpiece may take nothing.
	stuck = 3 * time.Second
)

// notes are those of the tone, in Hz.
func notes() [3]float64 { return [3]float64{440, 554.37, 659.26} }

// speaker plays one thing on one earpiece.
type speaker struct {
	row     *row
	trial   sound.Trial
	isOpen  bool
	port    *port.Playback
	limiter *protect.Limiter
	pattern bool                        // it is the test tone
	fill    func(dst []int16, from int) // the samples from there on
	total   int                         // samples
	written int
	taken   int           // by the earpiece
	moved   time.Duration // when it took something last
}

// left is how long it still plays.
func (p *speaker) left() time.Duration {
	return audio.Duration(p.total - p.written + p.port.Buffered())
}

// speak begins to play total samples on an earpiece.
func (s *sitting) speak(r *row, total int, fill func(dst []int16, from int)) {
	r.err = ""
	p := port.NewPlayback(s.bench.cfg.Clock)
	s.speaker = &speaker{
		row: r, port: p, trial: s.bench.cfg.Hardware.TryPlayback(r.info, p), limiter: protect.New(s.bench.cfg.Ceiling),
		fill: fill, total: total, moved: s.now,
	}
}

// tone begins the test tone on an earpiece, or ends it there.
func (s *sitting) tone(r *row) {
	running := s.speaker != nil && s.speaker.pattern && s.speaker.row == r
	s.quiet()
	if running {
		return
	}
	if s.bench.owed() {
		r.err = "the sound system does not answer: restart the sound server"
		return
	}
	s.speak(r, audio.Samples(toneTime), fillTone)
	s.speaker.pattern = true
}

// quiet ends whatever plays or is recorded.
func (s *sitting) quiet() {
	if s.speaker != nil {
		s.bench.leave(s.speaker.trial)
		s.speaker = nil
	}
	if s.recorder.state != callstate.RecordIdle {
		s.recorder.over("")
	}
}

// stopped ends what plays, which cannot go on.
func (s *sitting) stopped(why string) {
	played := s.recorder.state == callstate.RecordPlaying
	s.bench.leave(s.speaker.trial)
	s.speaker = nil
	if played {
		s.recorder.over(why)
	}
}

// play goes on with what plays.
func (s *sitting) play() {
	p := s.speaker
	if p == nil {
		return
	}
	select {
	case err := <-p.trial.Opened():
		if err != nil {
			p.row.err = err.Error()
			s.stopped(err.Error())
			return
		}
		p.isOpen, p.moved = true, s.now
	case <-p.trial.Lost():
		p.row.err = "it stopped: it was unplugged or suspended"
		s.stopped(p.row.err)
		return
	default:
	}
	p.write()
	switch taken := p.written - p.port.Buffered(); {
	case taken != p.taken:
		p.taken, p.moved = taken, s.now
	case taken == p.total && s.now-p.moved >= tail:
		s.stopped("")
	case taken < p.total && s.now-p.moved >= stuck:
		p.row.err = "it does not play: is it suspended, or the sound server busy?"
		s.stopped(p.row.err)
	}
}

// write keeps ahead of the earpiece.
func (p *speaker) write() {
	var block [audio.PeriodSamples]int16
	for p.written < p.total && p.port.Buffered() < audio.Samples(ahead) {
		dst := block[:min(len(block), p.total-p.written)]
		p.fill(dst, p.written)
		p.limiter.Process(dst)
		_, n := p.port.Write(dst)
		p.written += n
	}
	if p.written == p.total {
		p.port.Finish()
	}
}

// fillTone is the test tone.
func fillTone(dst []int16, from int) {
	amplitude := math.MaxInt16 * math.Pow(10, toneLevel/20)
	length, tones := audio.Samples(noteTime), notes()
	period := len(tones)*length + audio.Samples(restTime)
	for i := range dst {
		at := from + i
		note, in := at%period/length, at%period%length
		if note >= len(tones) {
			dst[i] = 0
			continue
		}
		shape := slope(min(in, length-in, audio.Samples(toneTime)-at))
		dst[i] = int16(math.Round(amplitude * shape * math.Sin(2*math.Pi*tones[note]*float64(in)/audio.Rate)))
	}
}

// slope is how far a sound has come up that many samples from its edge, 0 to 1.
func slope(n int) float64 {
	if whole := audio.Samples(edge); n < whole {
		return 0.5 - 0.5*math.Cos(math.Pi*float64(max(n, 0))/float64(whole))
	}
	return 1
}

// fadeEdges makes a recording begin and end softly.
func fadeEdges(pcm []int16) {
	for i := range pcm[:min(len(pcm), audio.Samples(edge))] {
		pcm[i] = int16(float64(pcm[i]) * slope(i))
		j := len(pcm) - 1 - i
		pcm[j] = int16(float64(pcm[j]) * slope(i))
	}
}
