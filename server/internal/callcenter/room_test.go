package callcenter_test

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/audio"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/server/servertest"
)

// member is a caller in a room that says a tone and keeps what it hears.
type member struct {
	*client
	format codec.Format
	hz     float64
	stop   chan struct{}
	done   sync.WaitGroup

	mu    sync.Mutex
	heard []int16
	marks uint32
}

func join(tb testing.TB, s *servertest.Server, id string, f codec.Format, hz float64) *member {
	tb.Helper()
	m := &member{
		client: call(tb, s, &api.AudioChunk{
			CallId: id, SampleRate: int32(f.Rate), Channels: int32(f.Channels), Codec: f.Codec,
			Setup: &api.Setup{Destination: "room/test", DisplayName: id, FrameMs: []uint32{20}},
		}),
		format: f, hz: hz, stop: make(chan struct{}),
	}
	m.done.Go(m.say)
	m.done.Go(m.listen)
	return m
}

func registry() codec.Registry { return codec.NewRegistry(opus.Codec{}, pcm.Codec{}) }

// say sends the tone in real time.
func (m *member) say() {
	enc, err := must(registry().Lookup(m.format.Codec)).NewEncoder(m.format, codec.Options{FrameSamples: 480})
	if err != nil {
		m.tb.Error(err)
		return
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	buf, frame := make([]byte, codec.MaxPacket), make([]int16, 480)
	for i := uint64(0); ; i++ {
		select {
		case <-m.stop:
			_ = m.stream.CloseSend() // the end of the call tells
			return
		case <-tick.C:
		}
		b := sine(m.hz, int(i)*480, 480, audio.Rate)
		for j := range frame {
			frame[j] = int16(binary.LittleEndian.Uint16(b[2*j:]))
		}
		n, err := enc.Encode(buf, frame)
		if err != nil {
			m.tb.Error(err)
			return
		}
		chunk := &api.AudioChunk{AudioData: buf[:n], Sequence: i + 1, Epoch: 1, MediaTime: 1 + 480*i, Marks: 1<<8 | 1<<7 | 20}
		m.link.Stamp(chunk, m.clock())
		if m.stream.Send(chunk) != nil {
			return
		}
	}
}

// listen decodes what comes.
func (m *member) listen() {
	dec, err := must(registry().Lookup(m.format.Codec)).NewDecoder(m.format)
	if err != nil {
		m.tb.Error(err)
		return
	}
	for {
		chunk, err := m.stream.Recv()
		if err != nil {
			return
		}
		m.link.Received(chunk, m.clock())
		if len(chunk.AudioData) == 0 {
			continue
		}
		n, err := m.format.Samples(chunk.AudioData)
		if err != nil {
			m.tb.Errorf("the room sent a malformed packet: %v", err)
			return
		}
		out := make([]int16, n+8)
		if n, err = dec.Decode(out, chunk.AudioData); err != nil {
			m.tb.Errorf("decode what the room sent: %v", err)
			return
		}
		m.mu.Lock()
		m.heard = append(m.heard, out[:n]...)
		m.marks |= chunk.Marks
		m.mu.Unlock()
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// hears returns what is wrong with the last 300 ms that the member heard, ""
// when they are all the tones but its own.
func (m *member) hears(tones []float64) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	const want = 300 * audio.Rate / 1000
	if len(m.heard) < want {
		return fmt.Sprintf("heard only %d samples", len(m.heard))
	}
	tail := m.heard[len(m.heard)-want:]
	for _, hz := range tones {
		p := power(tail, hz)
		if hz == m.hz && p > 200 {
			return fmt.Sprintf("hears itself at %.0f", p)
		}
		if hz != m.hz && (p < 3500 || p > 7500) {
			return fmt.Sprintf("hears the tone of %.0f Hz at %.0f, want about 6000", hz, p)
		}
	}
	if m.marks&(1<<8) == 0 || m.marks&(1<<7) == 0 {
		return fmt.Sprintf("got no level or voice mark: %b", m.marks)
	}
	return ""
}

func TestMembersHearEachOtherAndNotThemselves(t *testing.T) {
	t.Parallel()
	wide := codec.Format{Codec: "pcm", Rate: 48000, Channels: 1}
	for _, tc := range []struct {
		name    string
		formats []codec.Format
	}{
		{"two pcm callers", []codec.Format{wide, wide}},
		{"three pcm callers", []codec.Format{wide, wide, wide}},
		{"opus and pcm", []codec.Format{{Codec: "opus", Rate: 48000, Channels: 1}, wide}},
		{"mixed rates and channels", []codec.Format{
			wide,
			{Codec: "pcm", Rate: 8000, Channels: 1},
			{Codec: "pcm", Rate: 96000, Channels: 2},
			{Codec: "opus", Rate: 16000, Channels: 2},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tones := []float64{500, 800, 1300, 2100}
			s := servertest.Start(t, servertest.Options{Speakers: len(tones)})
			members := make([]*member, len(tc.formats))
			for i, f := range tc.formats {
				members[i] = join(t, s, name(i), f, tones[i])
			}
			// A busy machine may need more than the first try.
			retry := time.NewTicker(100 * time.Millisecond)
			defer retry.Stop()
			for i, m := range members {
				wrong := m.hears(tones[:len(members)])
				for try := 0; wrong != "" && try < 80; try++ {
					<-retry.C
					wrong = m.hears(tones[:len(members)])
				}
				if wrong != "" {
					t.Errorf("member %d %s", i, wrong)
				}
			}
			for _, m := range members {
				close(m.stop)
			}
			for _, m := range members {
				m.done.Wait()
			}
		})
	}
}

func TestRoomTellsWhoComesAndGoes(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{Mix: true})
	anna := call(t, s, first("a", ""))
	ben := call(t, s, first("b", "room/lobby"))
	e := ben.recvEvent()
	if e.Kind != api.Event_KIND_JOINED || e.Participant.DisplayName != "caller a" {
		t.Fatalf("a newcomer is told %v, want who is there", e)
	}
	e = anna.recvEvent()
	if e.Kind != api.Event_KIND_JOINED || e.Participant.DisplayName != "caller b" || e.Participant.Id == "" {
		t.Fatalf("the member is told %v, want who came", e)
	}
	id := e.Participant.Id
	ben.hangUp()
	if e = anna.recvEvent(); e.Kind != api.Event_KIND_LEFT || e.Participant.Id != id {
		t.Fatalf("the member is told %v, want who left", e)
	}
}

func TestRoomsAreApart(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	c := first("other", "room/other")
	listener := call(t, s, c)
	f := codec.Format{Codec: "pcm", Rate: 48000, Channels: 1}
	m := join(t, s, "speaker", f, 700)
	for range 10 {
		for _, x := range listener.recv().AudioData {
			if x != 0 {
				t.Fatal("a room hears another room")
			}
		}
	}
	close(m.stop)
	m.done.Wait()
}

func TestToneIsA440HzTestTone(t *testing.T) {
	t.Parallel()
	c := call(t, servertest.Start(t, servertest.Options{}), first("t", "tone"))
	var heard []int16
	begin := c.clock()
	for i := uint64(0); i < 25; i++ {
		chunk := c.recvAudio()
		if chunk.Sequence != i+1 || chunk.MediaTime != 1+960*i || chunk.Epoch != 1 {
			t.Fatalf("frame %d is sequence %d at media time %d of epoch %d", i, chunk.Sequence, chunk.MediaTime, chunk.Epoch)
		}
		for b := chunk.AudioData; len(b) > 0; b = b[2:] {
			heard = append(heard, int16(binary.LittleEndian.Uint16(b)))
		}
		c.send(&api.AudioChunk{Ack: chunk.Sequence})
	}
	if took := c.clock() - begin; took < 400*time.Millisecond || took > 2*time.Second {
		t.Errorf("500 ms of tone took %v", took)
	}
	tail := heard[len(heard)-9600:]
	if p := power(tail, 440); p < 3000 || p > 3500 { // -20 dBFS is 3277
		t.Errorf("the tone's amplitude is %.0f", p)
	}
	c.hangUp()
}

func TestPlainMemberHearsTheRoom(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{Mix: true})
	p := dialPlain(t, s, "plain")
	p.send(p.chunk([]byte{1, 2, 3, 4}, false))
	for range 5 {
		got := p.chunk(nil, true)
		if err := p.stream.RecvMsg(got); err != nil {
			t.Fatal(err)
		}
		m := got.ProtoReflect()
		for i := range p.typ.Fields().Len() {
			if fd := p.typ.Fields().Get(i); !m.Has(fd) {
				t.Fatalf("a chunk of the room lacks %s", fd.Name())
			}
		}
		if len(m.GetUnknown()) > 0 {
			t.Fatal("a chunk of the room has fields that the caller does not know")
		}
	}
	if err := p.stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
}
