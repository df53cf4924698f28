package swarm

import (
	"fmt"
	"math"
	"slices"
	"time"

	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/codec"
	"callcenter/softphone/internal/replay"
)

const (
	// loopSamples is how long a loop lasts: two seconds.
	loopSamples = 2 * audio.Rate
	// flipSamples is how often a talker changes its tone.
	flipSamples = audio.Rate
	// voices is how many different voices echo calls have.
	voices = 16
	// peak is the sum of all talkers of a room at its highest: -10 dBFS.
	peak = 0.316
)

// tone is a talker's two frequencies in Hz, all of them multiples of 100: in 10
// ms none is heard at the place of another, and in a second each ends where it
// began.
type tone [2]float64

// tones are as many as may talk in a room.
var tones = [...]tone{
	{400, 600},
	{800, 1000},
	{1200, 1400},
	{1600, 1800},
	{2000, 2200},
	{2400, 2600},
	{2800, 3000},
	{3200, 3400},
	{3600, 3800},
	{4000, 4200},
}

// score is what one caller says: a loop of frames, encoded. It is not changed
// once it is made, and shared.
type score struct {
	packets [][]byte
	marks   []uint32
	unlike  []bool // the frame is like no other of the loop
}

// packet and mark are those of a slot of the schedule.
func (s *score) packet(slot int64) []byte { return s.packets[slot%int64(len(s.packets))] }
func (s *score) mark(slot int64) uint32   { return s.marks[slot%int64(len(s.marks))] }

// telling says that the bytes of a slot are those of no other.
func (s *score) telling(slot int64) bool { return s.unlike[slot%int64(len(s.unlike))] }

// found is how much later than it was made the detector finds a change to the
// first and to the second frequency of a tone that no server touched.
type found [2]time.Duration

// scores are the loops of a swarm.
type scores struct {
	talkers []*score          // echo: voices; rooms: by tone
	quiet   *score            // of who says nothing; nil: silence is announced
	found   [len(tones)]found // per tone
	heard   float64           // amplitude of a talker's tone
}

// compose makes the loops.
func compose(cfg *Config) (*scores, error) {
	s := &scores{heard: peak / float64(max(3, cfg.Talkers))}
	if cfg.echo() {
		for i := range min(voices, cfg.Calls) {
			v, err := record(cfg, replay.NewVoice(uint64(i+1)).Fill)
			if err != nil {
				return nil, err
			}
			s.talkers = append(s.talkers, v)
		}
		return s, nil
	}
	for _, t := range tones {
		v, err := record(cfg, t.source(s.heard))
		if err != nil {
			return nil, err
		}
		s.talkers = append(s.talkers, v)
	}
	if !cfg.DTX {
		var err error
		if s.quiet, err = record(cfg, hiss()); err != nil {
			return nil, err
		}
	}
	return s, s.calibrate(cfg)
}

// source returns a generator of the tone: one frequency in the first half of
// the loop, the other in the second.
func (t tone) source(amplitude float64) func([]int16) {
	n := 0
	return func(dst []int16) {
		for i := range dst {
			hz := t[n/flipSamples%2]
			at := float64(n%flipSamples) / audio.Rate
			dst[i] = int16(math.Round(amplitude * math.MaxInt16 * math.Sin(2*math.Pi*hz*at)))
			n++
		}
	}
}

// hiss returns the noise of a quiet room, near -70 dBFS.
func hiss() func([]int16) {
	state := uint32(1)
	return func(dst []int16) {
		for i := range dst {
			state = state*1664525 + 1013904223 // Numerical Recipes' constants
			dst[i] = int16(int32(state) >> 27)
		}
	}
}

// record encodes two rounds of a loop and keeps the second, which begins as the
// end of a round leaves the encoder.
func record(cfg *Config, fill func([]int16)) (*score, error) {
	enc, err := cfg.Codec.NewEncoder(codec.Format{Codec: cfg.Codec.Name(), Rate: audio.Rate, Channels: 1}, cfg.Options)
	if err != nil {
		return nil, fmt.Errorf("make %s encoder: %w", cfg.Codec.Name(), err)
	}
	loop := make([]int16, loopSamples)
	fill(loop)
	var (
		s     score
		voice level.Voice
		buf   [codec.MaxPacket]byte
	)
	frame := cfg.Options.FrameSamples
	for at := 0; at < 2*loopSamples; at += frame {
		pcm := loop[at%loopSamples : at%loopSamples+frame]
		n, err := enc.Encode(buf[:], pcm)
		if err != nil {
			return nil, fmt.Errorf("encode what the swarm says: %w", err)
		}
		heard := voice.Add(pcm)
		if at >= loopSamples {
			s.packets = append(s.packets, slices.Clone(buf[:n]))
			s.marks = append(s.marks, wire.LevelMarks(level.DBov(pcm), heard))
		}
	}
	same := make(map[string]int)
	for _, p := range s.packets {
		same[string(p)]++
	}
	for _, p := range s.packets {
		s.unlike = append(s.unlike, same[string(p)] == 1)
	}
	return &s, nil
}
