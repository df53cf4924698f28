package wire_test

import (
	"testing"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio/jitter"
	"callcenter/codec"
)

var pcm48 = codec.Format{Codec: codec.PCM, Rate: 48000, Channels: 1}

func TestAChunkBecomesAPacket(t *testing.T) {
	r := wire.NewPackets(pcm48)
	data := make([]byte, 1920)
	p, ok := r.Read(&api.AudioChunk{
		AudioData: data, Sequence: 7, DroppedBefore: 2, Epoch: 3, MediaTime: 961,
		Marks: wire.MarkDTX | wire.MarkTalk,
	})
	if !ok || p.Sequence != 7 || p.DroppedBefore != 2 || p.Epoch != 3 || p.Media != 960 || p.Samples != 960 || !p.DTX || !p.Talk || &p.Data[0] != &data[0] {
		t.Errorf("%+v, %v", p, ok)
	}
}

func TestChunksOfFiveFieldsAreNumberedAndTimed(t *testing.T) {
	r := wire.NewPackets(codec.Format{Codec: codec.PCM, Rate: 8000, Channels: 2})
	media := int64(0)
	for i, bytes := range []int{640, 4, 3840, 640} {
		p, ok := r.Read(&api.AudioChunk{AudioData: make([]byte, bytes)})
		samples := bytes / 4 * 6
		if !ok || p.Sequence != uint64(i)+1 || p.Media != media || p.Samples != samples {
			t.Errorf("chunk %d: %+v, want media %d and %d samples", i, p, media, samples)
		}
		media += int64(samples)
	}
}

func TestWhatCarriesNoFrameIsNoPacket(t *testing.T) {
	r := wire.NewPackets(pcm48)
	for _, c := range []*api.AudioChunk{
		nil,
		{},
		{Ack: 5, SentAt: 9},
		{Sequence: 3},
		{Marks: wire.MarkDTX}, // a mark of no slot
		{Event: &api.Event{Kind: api.Event_KIND_MUTE}},
	} {
		if p, ok := r.Read(c); ok {
			t.Errorf("%v became %+v", c, p)
		}
	}
	if r.Malformed() != 0 {
		t.Errorf("%d of them are malformed", r.Malformed())
	}
	if p, ok := r.Read(&api.AudioChunk{Sequence: 4, MediaTime: 11, Marks: wire.MarkDTX}); !ok || !p.DTX || p.Media != 10 || p.Samples != 0 {
		t.Errorf("a mark of silence became %+v, %v", p, ok)
	}
}

func TestMalformedAudioIsCounted(t *testing.T) {
	for _, c := range []struct {
		format codec.Format
		data   []byte
	}{
		{pcm48, []byte{1}},
		{pcm48, make([]byte, 961)},
		{codec.Format{Codec: codec.PCM, Rate: 48000, Channels: 2}, make([]byte, 6)},
		{codec.Format{Codec: codec.Opus, Rate: 48000, Channels: 1}, []byte{0xff}},
	} {
		r := wire.NewPackets(c.format)
		if p, ok := r.Read(&api.AudioChunk{AudioData: c.data}); ok || r.Malformed() != 1 {
			t.Errorf("%d bytes of %v became %+v", len(c.data), c.format, p)
		}
		if p, ok := r.Read(&api.AudioChunk{AudioData: []byte{0, 0, 0, 0}}); ok && p.Sequence != 1 {
			t.Errorf("malformed audio took a number: %+v", p)
		}
	}
}

func TestAPeerThatNumbersWithoutTimingIsTimed(t *testing.T) {
	r := wire.NewPackets(pcm48)
	read := func(seq, media uint64) jitter.Packet {
		p, ok := r.Read(&api.AudioChunk{AudioData: make([]byte, 1920), Sequence: seq, MediaTime: media})
		if !ok {
			t.Fatalf("sequence %d is no packet", seq)
		}
		return p
	}
	if p := read(1, 0); p.Media != 0 {
		t.Errorf("the first begins at %d", p.Media)
	}
	if p := read(4, 0); p.Media != 3*960 {
		t.Errorf("after two missing frames it goes on at %d", p.Media)
	}
	// Garbage does not spoil what follows.
	for _, seq := range []uint64{2, ^uint64(0), 1 << 63, 5} {
		if p := read(seq, 0); p.Media < 0 || p.Media > 20*960 {
			t.Errorf("sequence %d is placed at %d", seq, p.Media)
		}
	}
	if p := read(6, ^uint64(0)); p.Media < 1<<48 {
		t.Errorf("an absurd media time became %d", p.Media)
	}
	if p := read(7, 0); p.Media < 0 || p.Media > 20*960 {
		t.Errorf("after an absurd media time it goes on at %d", p.Media)
	}
}

func TestMarksOfALevel(t *testing.T) {
	for _, c := range []struct {
		dbov  uint8
		voice bool
		want  uint32
	}{
		{0, false, 0x100},
		{0, true, 0x180},
		{127, false, 0x17f},
		{255, true, 0x1ff},
		{30, true, 0x19e},
	} {
		got := wire.LevelMarks(c.dbov, c.voice)
		if got != c.want || got&(wire.MarkDTX|wire.MarkTalk|wire.MarkMuted) != 0 {
			t.Errorf("-%d dBov, voice %v: %#x, want %#x", c.dbov, c.voice, got, c.want)
		}
	}
}
