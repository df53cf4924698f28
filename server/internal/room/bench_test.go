package room

import (
	"context"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/file"
	"callcenter/audio/jitter"
	"callcenter/audio/level"
	"callcenter/audio/mix"
	"callcenter/audio/playout"
	"callcenter/audio/sendq"
	"callcenter/codec"
)

// nowhere takes frames and forgets them.
type nowhere struct{ frames int }

func (n *nowhere) Send(sendq.Frame)                      { n.frames++ }
func (n *nowhere) Skip()                                 {}
func (n *nowhere) Put(sendq.Frame)                       { n.frames++ }
func (n *nowhere) SendWait(context.Context, sendq.Frame) {}
func (n *nowhere) Event(Event)                           {}
func (n *nowhere) Levels(*Levels)                        {}
func (n *nowhere) Fail(error)                            {}

// talkingRoom returns a function that lets every member of an Opus conference
// say 10 ms and makes the tick that mixes them.
func talkingRoom(tb testing.TB, members int) (tick func()) {
	tb.Helper()
	d := directory()
	format := codec.Format{Codec: "opus", Rate: 48000, Channels: 1}
	c := newConference("room/x", 0, d.cfg.Speakers, d.cfg.Clock)
	legs := make([]*conferenceLeg, members)
	for i := range legs {
		l, err := newConferenceLeg(d, Member{Name: fmt.Sprint(i), Format: format, FrameMS: 20}, &nowhere{})
		if err != nil {
			tb.Fatal(err)
		}
		c.join(l)
		legs[i] = l
	}
	data := packet(tb, format)
	now, seq := time.Duration(0), uint64(0)
	return func() {
		if seq++; seq%2 == 1 { // 20 ms frames
			n := seq/2 + 1
			for _, l := range legs {
				l.Push(context.Background(), Uplink{
					Frame:    sendq.Frame{Sequence: n, Data: data, Made: now},
					Packet:   jitter.Packet{Sequence: n, Epoch: 1, Media: int64(n-1) * 960, Samples: 960, Data: data},
					Playable: true,
				})
			}
		}
		now += audio.Period
		c.tick(now, false)
	}
}

// packet returns 20 ms of a bright tone in Opus.
func packet(tb testing.TB, f codec.Format) []byte {
	tb.Helper()
	c, err := directory().cfg.Codecs.Lookup(f.Codec)
	if err != nil {
		tb.Fatal(err)
	}
	enc, err := c.NewEncoder(f, codec.Options{Complexity: complexity, FrameSamples: 960})
	if err != nil {
		tb.Fatal(err)
	}
	pcm, buf := make([]int16, 960), make([]byte, codec.MaxPacket)
	for j := range pcm {
		pcm[j] = int16(j * 170 % 8000)
	}
	n, err := enc.Encode(buf, pcm)
	if err != nil {
		tb.Fatal(err)
	}
	return buf[:n]
}

// benchTalkers talk in the benchmarks, the others are quiet.
const benchTalkers = 3

// quiet is what those do who do not talk.
type quiet string

const (
	inNoise   quiet = "noise"   // they send the noise of a quiet room
	inSilence quiet = "silence" // they announce silence, as a phone does
)

// loop is some seconds of frames that a member says again and again, and their
// marks. One without frames announces silence.
type loop struct {
	data  [][]byte
	marks uint32
}

func newLoop(tb testing.TB, pcm []int16, marks uint32) loop {
	tb.Helper()
	enc, err := directory().cfg.Codecs.Lookup(codec.Opus)
	if err != nil {
		tb.Fatal(err)
	}
	e, err := enc.NewEncoder(opusFormat, codec.Options{Complexity: 9, FrameSamples: 960})
	if err != nil {
		tb.Fatal(err)
	}
	l := loop{marks: marks | markLevelValid}
	for ; len(pcm) >= 960; pcm = pcm[960:] {
		buf := make([]byte, codec.MaxPacket)
		n, err := e.Encode(buf, pcm[:960])
		if err != nil {
			tb.Fatal(err)
		}
		l.data = append(l.data, buf[:n])
	}
	return l
}

// spoken returns 8 s of a voice that speaks all the time, near -22 dBFS RMS. It
// must be speech: from complexity 7 on libopus takes the sum of tones, and of most
// that is made of them, for music, which it encodes in less than half the time.
func spoken(tb testing.TB, voice string) []int16 {
	tb.Helper()
	const text = "Good morning, you are speaking with the service desk, how may I help you today, " +
		"I see, your order left the warehouse on Tuesday, and it should be with you by the end of this week, " +
		"is there anything else that I can do for you, thank you for calling, and have a pleasant afternoon."
	path := filepath.Join(tb.TempDir(), "voice.wav")
	if out, err := exec.Command("espeak-ng", "-s", "150", "-v", voice, "-w", path, text).CombinedOutput(); err != nil {
		tb.Fatalf("this benchmark needs the package `espeak-ng`: %v %s", err, out)
	}
	r, err := file.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	pcm := make([]int16, 8*audio.Rate)
	if got := audio.Samples(r.Duration()); got < len(pcm) {
		tb.Fatalf("voice %s speaks for %d samples only", voice, got)
	}
	r.Fill(pcm)
	gain := math.Pow(10, (-22-level.RMS(pcm))/20)
	for i, x := range pcm {
		pcm[i] = int16(min(max(float64(x)*gain, math.MinInt16), math.MaxInt16))
	}
	return pcm
}

// loops are what the members say.
func loops(tb testing.TB, members int, q quiet) []loop {
	tb.Helper()
	hush := loop{marks: markLevelValid | levelSilent | markDTX}
	if q == inNoise { // -66 dBFS RMS
		hush = newLoop(tb, audiotest.Noise(4*audio.Rate, 28, 1), 66)
	}
	all := make([]loop, members)
	for i := range all {
		all[i] = hush
		if i < benchTalkers {
			voice := []string{"en-us+m1", "en-gb+f2", "en-us+m3"}[i]
			all[i] = newLoop(tb, spoken(tb, voice), uint32(20+i)|markVoice)
		}
	}
	return all
}

// uplink returns the frame n of a loop, from 0, and whether there is one:
// announced silence says every 200 ms that it goes on.
func (l loop) uplink(n uint64, now time.Duration) (Uplink, bool) {
	u := Uplink{
		Frame:    sendq.Frame{Sequence: n + 1, Marks: l.marks, Made: now},
		Packet:   jitter.Packet{Sequence: n + 1, Epoch: 1, Media: int64(n) * 960},
		Playable: true,
	}
	if len(l.data) == 0 {
		u.Packet.DTX = true
		return u, n%10 == 0
	}
	u.Frame.Data = l.data[n%uint64(len(l.data))]
	u.Packet.Data, u.Packet.Samples = u.Frame.Data, 960
	return u, true
}

// ours returns 10 ms of a conference.
func ours(tb testing.TB, members, effort int, q quiet) (tick func()) {
	tb.Helper()
	d := directory()
	c := newConference("room/x", 0, d.cfg.Speakers, d.cfg.Clock)
	c.complexity = effort
	says := loops(tb, members, q)
	legs := make([]*conferenceLeg, members)
	for i := range legs {
		l, err := newConferenceLeg(d, Member{Name: fmt.Sprint(i), Format: opusFormat, FrameMS: 20, Extended: true}, &nowhere{})
		if err != nil {
			tb.Fatal(err)
		}
		c.join(l)
		legs[i] = l
	}
	now, ticks := time.Duration(0), uint64(0)
	return func() {
		if ticks++; ticks%2 == 1 {
			for i, l := range legs {
				if u, ok := says[i].uplink(ticks/2, now); ok {
					l.Push(context.Background(), u)
				}
			}
		}
		now += audio.Period
		c.tick(now, false)
	}
}

// naive returns 10 ms of a mixer that decodes everyone and encodes for each.
func naive(tb testing.TB, members, effort int, q quiet) (tick func()) {
	tb.Helper()
	d := directory()
	co, err := d.cfg.Codecs.Lookup(codec.Opus)
	if err != nil {
		tb.Fatal(err)
	}
	says := loops(tb, members, q)
	type leg struct {
		play    *playout.Playout
		speaker *speaker
		limiter mix.Limiter
		pcm     [audio.PeriodSamples]int16
	}
	legs := make([]*leg, members)
	for i := range legs {
		dec, err := co.NewDecoder(opusFormat)
		if err != nil {
			tb.Fatal(err)
		}
		s, err := newSpeaker(d.cfg, Member{Format: opusFormat, FrameMS: 20}, &nowhere{})
		if err != nil {
			tb.Fatal(err)
		}
		s.coder.adjust(effort)
		legs[i] = &leg{play: playout.New(playout.Config{Decoder: dec}), speaker: s}
	}
	sum := mix.NewSum(audio.PeriodSamples)
	now, ticks := time.Duration(0), uint64(0)
	return func() {
		if ticks++; ticks%2 == 1 {
			for i, l := range legs {
				if u, ok := says[i].uplink(ticks/2, now); ok {
					l.play.Push(u.Packet, now)
				}
			}
		}
		now += audio.Period
		sum.Reset()
		for _, l := range legs {
			l.play.Pull(l.pcm[:], now)
			sum.Add(l.pcm[:])
		}
		for _, l := range legs {
			sum.Minus(l.speaker.next(), l.pcm[:], &l.limiter)
			l.speaker.done(true)
		}
	}
}

// BenchmarkConference is 20 ms of a room in which three talk, ours and one that
// decodes everyone and encodes for each. The processor time of a leg is in
// cpu-µs/leg-frame: on a busy machine the time that passes says little.
func BenchmarkConference(b *testing.B) {
	for _, members := range []int{2, 10, 100} {
		for _, effort := range []int{5, 9} {
			for _, q := range []quiet{inNoise, inSilence} {
				if members < benchTalkers && q != inNoise {
					continue // nobody is quiet
				}
				for name, room := range map[string]func(testing.TB, int, int, quiet) func(){"ours": ours, "naive": naive} {
					b.Run(fmt.Sprintf("%d members/complexity %d/%s/%s", members, effort, q, name), func(b *testing.B) {
						benchmarkRoom(b, room(b, members, effort, q), members)
					})
				}
			}
		}
	}
}

func benchmarkRoom(b *testing.B, tick func(), members int) {
	b.Helper()
	for range 200 { // the buffers fill
		tick()
	}
	b.ReportAllocs()
	before := cpuTime(b)
	for b.Loop() {
		tick()
		tick()
	}
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1e3/float64(b.N*members), "cpu-µs/leg-frame")
}

// cpuTime is what the process has used so far.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
