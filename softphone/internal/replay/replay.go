// Package replay plays a trace of arrivals through the very playout that calls
// use, offline and faster than real time: the same jitter buffer, decoder, time
// scaling and concealment, on a clock that only counts. The `replay` command
// and the benchmark against other buffers call it. A Recorder makes such a trace
// of a live call.
//
// Whatever the source says is cut into the trace's frames and encoded, also
// those that the sender then dropped; each packet is pushed at the time the
// trace says, and 10 ms are pulled every 10 ms. What came out is described in
// a play log (package playlog), a line per pull, whose media_us is the frame's
// send_us plus the offset inside it.
//
// A Run is for one goroutine, and so is a Source. PCM is 48 kHz mono.
package replay

import (
	"errors"
	"fmt"
	"time"

	"callcenter/audio"
	"callcenter/audio/playlog"
	"callcenter/audio/playout"
	"callcenter/codec"
)

// tail is how long playing goes on after the last arrival.
const tail = 500 * time.Millisecond

// ErrEmpty means that a trace has no packets.
var ErrEmpty = errors.New("the trace has no packets: nothing arrived while it was recorded")

// Config is what is replayed. All fields but Out and Complete are needed.
type Config struct {
	Trace playlog.Trace
	// Source is what the far end says, without end. One that can fail half way
	// has a method Err() error, which ends the run.
	Source audio.Source
	Codec  codec.Codec
	// Options of the encoder. FrameSamples is the trace's, whatever it says, and
	// so is where silence was announced: DTX is off.
	Options codec.Options
	// Complete keeps every word instead of jumping to be live.
	Complete bool
	// Out takes what the ear hears, 10 ms at a time; nil: nobody listens. Its
	// error ends the run.
	Out func(pcm []int16) error
}

// Result is what the playout did.
type Result struct {
	Log   []playlog.Line
	Stats playout.Stats
}

// Run replays a trace.
func Run(cfg Config) (Result, error) {
	if len(cfg.Trace.Packets) == 0 {
		return Result{}, ErrEmpty
	}
	s, err := newSender(cfg)
	if err != nil {
		return Result{}, err
	}
	dec, err := cfg.Codec.NewDecoder(format(cfg.Codec))
	if err != nil {
		return Result{}, fmt.Errorf("make %s decoder: %w", cfg.Codec.Name(), err)
	}
	p := playout.New(playout.Config{Decoder: dec, Complete: cfg.Complete})
	p.SetOneWay(time.Duration(cfg.Trace.RTTMS / 2 * float64(time.Millisecond)))
	return play(cfg, s, p)
}

// play pulls every 10 ms from the first arrival on.
func play(cfg Config, s *sender, p *playout.Playout) (Result, error) {
	var (
		res  Result
		pcm  [audio.PeriodSamples]int16
		last = s.packets[len(s.packets)-1].arrive + tail
	)
	for now := s.packets[0].arrive; now <= last; now += audio.Period {
		for s.next < len(s.packets) && s.packets[s.next].arrive <= now {
			pkt, err := s.packet()
			if err != nil {
				return res, err
			}
			p.Push(pkt, s.packets[s.next-1].arrive)
		}
		pulled := p.Pull(pcm[:], now)
		res.Log = append(res.Log, line(pulled, audio.PeriodSamples, now.Microseconds(), s.origin, true))
		if cfg.Out != nil {
			if err := cfg.Out(pcm[:]); err != nil {
				return res, err
			}
		}
	}
	res.Stats = p.Stats()
	return res, nil
}

// line describes a pull of so many samples, played at play, µs on the clock of a
// trace, whose media began at media, if that is known. Before the first packet
// nothing is missed, but a play log knows no other word for it.
func line(p playout.Pulled, samples int, play, media int64, known bool) playlog.Line {
	l := playlog.Line{
		PlayUS: play, MediaUS: -1, Kind: byte(p.Kind), Samples: int32(samples),
		Inserted: int32(p.Inserted), Removed: int32(p.Removed), Concealed: int32(p.Concealed),
	}
	if p.Kind == playout.Filling {
		l.Kind, l.Concealed = playlog.Concealed, int32(samples)
	}
	if known && p.Media >= 0 {
		l.MediaUS = media + p.Media*1_000_000/audio.Rate
	}
	return l
}

func format(c codec.Codec) codec.Format {
	return codec.Format{Codec: c.Name(), Rate: audio.Rate, Channels: 1}
}
