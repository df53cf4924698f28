package callcenter

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/codec"
)

// opusPackets are the first two packets of each configuration, in mono and in stereo,
// that codec/opus makes for its mutations, each with its length before it.
//
//go:embed testdata/opus-packets.bin
var opusPackets []byte

// The steps of a script, in the low bits of a byte; the two highest say whose they are.
// What they take from the script is in the order in which do reads it.
const (
	stepGood = iota
	stepFlip
	stepCut
	stepLonger
	stepSplice
	stepBytes
	stepSilence
	stepEvent
	stepJump
	stepTime
	stepBreak
	stepAgain
	stepChunk
	stepAck
	stepTalk
	stepGarbage
	steps
)

// step is one step of member i.
func step(kind, i int, more ...byte) []byte { return append([]byte{byte(kind | i<<6)}, more...) }

// FuzzCompany lets four callers send what a script says, while time passes and their
// frames are decoded, mixed and passed on: two of a room that know all fields, one of
// the room that knows five and sends pcm at 44.1 kHz in stereo, and one of an echo.
// The script is steps of real packets, damaged ones, anything, silence, jumps, events,
// breaks of the stream and new calls.
func FuzzCompany(f *testing.F) {
	talk := func(i, from int) []byte { return step(stepTalk, i, byte(from)) }
	all := slices.Concat(talk(0, 0), talk(1, 8), talk(2, 0), talk(3, 30))
	for _, seed := range [][]byte{
		slices.Concat([]byte{0}, all, all, step(stepTime, 0, 20)),
		slices.Concat([]byte{1}, all, step(stepFlip, 0, 3, 9, 0x41), step(stepFlip, 1, 40, 30, 0xff), step(stepCut, 0, 7, 2), talk(0, 60), talk(1, 90)),
		slices.Concat([]byte{3}, talk(0, 12), step(stepLonger, 0, 5, 100), step(stepSplice, 0, 4, 80, 20), step(stepBytes, 2, 3, 1, 2, 3), talk(2, 0), talk(1, 100)),
		slices.Concat([]byte{2}, all, step(stepBreak, 0), talk(0, 16), step(stepBreak, 1), step(stepTime, 1, 30), talk(1, 3), talk(0, 2)),
		slices.Concat([]byte{0}, all, step(stepGarbage, 0, 60), step(stepAgain, 0), talk(0, 1), step(stepGarbage, 2, 60), step(stepGarbage, 3, 60), all),
		slices.Concat([]byte{0}, talk(1, 1), step(stepSilence, 1), step(stepTime, 1, 10), step(stepJump, 1, 77), talk(1, 50), step(stepJump, 0, 200), talk(0, 6), step(stepEvent, 1, 0), talk(1, 1), step(stepEvent, 1, 1), step(stepEvent, 0, 12), step(stepEvent, 3, 12), talk(0, 3)),
		slices.Concat([]byte{1}, all, step(stepAck, 0, 255), step(stepAck, 1, 1), step(stepChunk, 0, 4, 0x50, 1, 0x60, 1), all),
		slices.Concat([]byte{modePair}, talk(0, 0), talk(1, 30), talk(0, 60), step(stepFlip, 0, 3, 0, 0xff), step(stepJump, 1, 3), talk(1, 90), step(stepBreak, 0), talk(1, 2)),
		// One after the other, so that all of them are decoded and heard.
		slices.Concat([]byte{0}, talk(0, 0), talk(0, 8), talk(0, 16), talk(0, 24), talk(0, 32), talk(0, 40), talk(0, 48), talk(0, 56)),
		slices.Concat([]byte{0}, talk(1, 64), talk(1, 72), talk(1, 80), talk(1, 88), talk(1, 96), talk(1, 104), talk(1, 112), talk(1, 120)),
	} {
		f.Add(seed)
	}
	packets := split(opusPackets)
	f.Fuzz(func(t *testing.T, script []byte) {
		synctest.Test(t, func(t *testing.T) {
			p := &party{t: t, packets: packets, script: script}
			p.play()
		})
	})
}

func split(all []byte) (packets [][]byte) {
	for len(all) > 0 {
		n := 2 + int(binary.BigEndian.Uint16(all))
		packets = append(packets, all[2:n:n])
		all = all[n:]
	}
	return packets
}

// party plays a script.
type party struct {
	t       *testing.T
	s       *Service
	packets [][]byte
	script  []byte
	passed  time.Duration
	members [4]*partyMember
}

// partyMember is one of the callers.
type partyMember struct {
	p        *party
	opening  *api.AudioChunk
	format   codec.Format
	rpc      *hangingStream
	cancel   context.CancelFunc
	ended    chan error
	token    string
	serial   int
	sequence uint64
	media    uint64
	epoch    uint32
	heard    uint64 // newest sequence, of a stream
}

// hangingStream is a stream without gRPC on which chunks come when they come.
type hangingStream struct {
	fakeStream
	in chan *api.AudioChunk
}

func (h *hangingStream) RecvMsg(m any) error {
	select {
	case c, ok := <-h.in:
		if !ok {
			return io.EOF
		}
		proto.Reset(m.(proto.Message))
		proto.Merge(m.(proto.Message), c)
		return nil
	case <-h.ctx.Done():
		return h.ctx.Err()
	}
}

// modePair is the bit of a script's first byte with which c is elsewhere.
const modePair = 1 << 4

const (
	// maxPassed is how much time a script may let pass, and maxSteps how many steps it
	// has at most: what is beyond them is left out.
	maxPassed = 2 * time.Second
	maxSteps  = 48
)

func (p *party) play() {
	cfg := testConfig()
	mode := p.next()
	cfg.LevelControl, cfg.Speakers, cfg.Destination = mode&1 != 0, int(mode>>1&1), "room/f"
	rate := int32(16000)
	if mode&modePair != 0 { // a and b hear each other as they are
		cfg.LevelControl, cfg.Destination, rate = false, "tone", 48000
	}
	p.s = New(cfg)
	for i, m := range []*api.AudioChunk{
		{CallId: "a", SampleRate: 48000, Channels: 1, Codec: "opus", Setup: &api.Setup{Destination: "room/f", FrameMs: []uint32{10}}},
		{CallId: "b", SampleRate: rate, Channels: 1, Codec: "opus", Setup: &api.Setup{Destination: "room/f", Playout: api.Playout(mode >> 2 & 3)}},
		{CallId: "c", SampleRate: 44100, Channels: 2, Codec: "pcm"},
		{CallId: "d", SampleRate: 48000, Channels: 1, Codec: "opus", Setup: &api.Setup{Destination: "echo"}},
	} {
		f := codec.Format{Codec: m.Codec, Rate: int(m.SampleRate), Channels: int(m.Channels)}
		p.members[i] = &partyMember{p: p, opening: m, format: f, ended: make(chan error, 1)}
		p.members[i].call("mine")
	}
	for range maxSteps {
		if len(p.script) == 0 {
			break
		}
		op := p.next()
		p.do(p.members[op>>6], int(op)%steps)
		synctest.Wait()
	}
	for _, m := range p.members {
		close(m.rpc.in)
		m.over()
	}
	p.s.Close()
	p.s.Wait()
	if len(p.s.streams) > 0 || len(p.s.calls) > 0 || p.s.rooms.Rooms() > 0 {
		p.t.Error("something of the calls is left")
	}
}

// next takes a byte off the script, 0 behind its end.
func (p *party) next() byte {
	if len(p.script) == 0 {
		return 0
	}
	b := p.script[0]
	p.script = p.script[1:]
	return b
}

func (p *party) bytes(n int) []byte {
	n = min(n, len(p.script))
	b := p.script[:n]
	p.script = p.script[n:]
	return b
}

func (p *party) packet() []byte { return slices.Clone(p.packets[int(p.next())%len(p.packets)]) }

// pass lets time pass, as long as there is some left.
func (p *party) pass(d time.Duration) {
	if p.passed += d; p.passed <= maxPassed {
		time.Sleep(d)
	}
}

// do is one step.
func (p *party) do(m *partyMember, kind int) {
	switch kind {
	case stepGood:
		m.say(p.packet())
	case stepFlip:
		b := p.packet()
		b[int(p.next())%len(b)] ^= p.next()
		m.say(b)
	case stepCut:
		b := p.packet()
		m.say(b[:1+int(p.next())%len(b)])
	case stepLonger:
		m.say(append(p.packet(), make([]byte, int(p.next()))...))
	case stepSplice:
		a, b := p.packet(), p.packet()
		at := int(p.next())
		m.say(append(a[:1+at%len(a)], b[at%len(b):]...))
	case stepBytes:
		m.say(p.bytes(int(p.next())))
	case stepSilence:
		m.send(&api.AudioChunk{Sequence: m.sequence + 1, MediaTime: m.media + 1, Marks: wire.MarkDTX | wire.LevelMarks(127, false)})
		m.sequence++
	case stepEvent:
		m.event(int(p.next()))
	case stepTime:
		p.pass(time.Duration(1+int(p.next())%50) * 10 * time.Millisecond)
	case stepTalk:
		m.talk()
	default:
		p.disturb(m, kind)
	}
}

// disturb is a step that no good caller makes, or seldom.
func (p *party) disturb(m *partyMember, kind int) {
	switch kind {
	case stepJump:
		by := p.next()
		m.sequence += uint64(by & 15)
		m.media += uint64(by>>4) * 960 << (by & 31)
		m.epoch += uint32(by >> 7)
	case stepBreak:
		m.cancel()
		m.over()
		m.call(m.token)
	case stepAgain:
		close(m.rpc.in)
		m.over()
		m.token = "mine"
		m.serial++
		m.call(m.token)
	case stepChunk:
		c := &api.AudioChunk{}
		if proto.Unmarshal(p.bytes(int(p.next())), c) == nil && proto.Size(c) <= wire.MaxMessage {
			m.send(c)
		}
	case stepAck:
		n := uint64(p.next())
		n <<= n & 63
		m.send(&api.AudioChunk{Ack: n, EchoSentAt: n, SentAt: n, EchoHeld: uint32(n), Report: &api.Report{BufferTargetUs: uint32(n)}})
	case stepGarbage:
		for range p.next() {
			m.say([]byte{0xff, 0xff, 0x01})
		}
	}
}

// talk says eight packets in a row, of 20 ms each by its clock.
func (m *partyMember) talk() {
	from := int(m.p.next())
	for i := range 8 {
		packet := m.p.packets[(from+i)%len(m.p.packets)]
		if m.format.Codec == codec.PCM {
			packet = bytes.Repeat([]byte{byte(from), byte(i), byte(i), 3}, 882)
		}
		m.say(packet)
		m.p.pass(20 * time.Millisecond)
	}
}

// say sends a frame.
func (m *partyMember) say(data []byte) {
	if m.format.Codec == codec.PCM {
		m.send(&api.AudioChunk{AudioData: data})
		return
	}
	c := &api.AudioChunk{AudioData: data, Sequence: m.sequence + 1, MediaTime: m.media + 1, Epoch: m.epoch}
	if m.opening.GetCallId() == "b" { // a does not say how loud it is
		c.Marks = wire.LevelMarks(30, true)
	}
	m.sequence++
	m.media += 960
	m.send(c)
}

func (m *partyMember) event(n int) {
	e := &api.Event{Kind: api.Event_Kind(n >> 1), Digit: "5"}
	if n < 2 {
		e.Kind = [...]api.Event_Kind{api.Event_KIND_HOLD, api.Event_KIND_RESUME}[n]
	}
	m.send(&api.AudioChunk{Event: e})
}

// send hands a chunk to the server, unless it takes no more.
func (m *partyMember) send(c *api.AudioChunk) {
	select {
	case m.rpc.in <- c:
	default:
	}
	synctest.Wait()
}

// call opens or resumes the call.
func (m *partyMember) call(token string) {
	ctx, cancel := context.WithCancel(m.p.t.Context())
	m.cancel, m.heard = cancel, 0
	opening := proto.CloneOf(m.opening)
	opening.CallId += strings.Repeat("x", m.serial)
	if opening.Setup != nil {
		opening.Setup.ResumeToken = token
	}
	m.rpc = &hangingStream{fakeStream{ctx: ctx, sent: m.hear}, make(chan *api.AudioChunk, 64)}
	m.rpc.in <- opening
	rpc := m.rpc
	go func() { m.ended <- m.p.s.LiveCall(rpc) }()
	synctest.Wait()
}

// over waits for the end of the call's stream.
func (m *partyMember) over() {
	err := <-m.ended
	m.cancel()
	if code := codeName(err); code == "Internal" || code == "Unknown" {
		m.p.t.Errorf("%s: the call ended with %v", m.opening.CallId, err)
	}
}

// hear checks what the server sends.
func (m *partyMember) hear(o *api.AudioChunk) {
	t := m.p.t
	if proto.Size(o) > wire.MaxMessage {
		t.Errorf("a chunk of %d bytes", proto.Size(o))
	}
	if o.Sequence != 0 && o.Sequence <= m.heard {
		t.Errorf("sequence %d after %d", o.Sequence, m.heard)
	}
	m.heard = max(m.heard, o.Sequence)
	if len(o.AudioData) > 0 {
		if _, err := m.format.Samples(o.AudioData); err != nil {
			t.Errorf("%s is sent %d bytes that are no audio: %v", m.opening.CallId, len(o.AudioData), err)
		}
	}
	if token := o.GetEvent().GetResumeToken(); token != "" {
		m.token = token
	}
}
