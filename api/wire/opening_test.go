package wire_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/codec"
)

// first is a good first chunk of a client that knows five fields.
func first() *api.AudioChunk {
	return &api.AudioChunk{CallId: "call", SampleRate: 48000, Channels: 1, Codec: "opus"}
}

func TestAFirstChunkMustBeRight(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*api.AudioChunk)
		field  string // the one at fault, "" where there is none
	}{
		{"a good chunk", func(*api.AudioChunk) {}, ""},
		{"no call_id", func(c *api.AudioChunk) { c.CallId = "" }, "call_id"},
		{"the longest call_id", func(c *api.AudioChunk) { c.CallId = strings.Repeat("x", 128) }, ""},
		{"a longer call_id", func(c *api.AudioChunk) { c.CallId = strings.Repeat("x", 129) }, "call_id"},
		{"no codec", func(c *api.AudioChunk) { c.Codec = "" }, "codec"},
		{"an unknown codec", func(c *api.AudioChunk) { c.Codec = "speex" }, "codec"},
		{"a codec in capitals", func(c *api.AudioChunk) { c.Codec = "OPUS" }, "codec"},
		{"opus at 8 kHz", func(c *api.AudioChunk) { c.SampleRate = 8000 }, ""},
		{"opus at 12 kHz", func(c *api.AudioChunk) { c.SampleRate = 12000 }, ""},
		{"opus at 16 kHz", func(c *api.AudioChunk) { c.SampleRate = 16000 }, ""},
		{"opus at 24 kHz", func(c *api.AudioChunk) { c.SampleRate = 24000 }, ""},
		{"opus at 44.1 kHz", func(c *api.AudioChunk) { c.SampleRate = 44100 }, "sample_rate"},
		{"opus at 96 kHz", func(c *api.AudioChunk) { c.SampleRate = 96000 }, "sample_rate"},
		{"no rate", func(c *api.AudioChunk) { c.SampleRate = 0 }, "sample_rate"},
		{"a negative rate", func(c *api.AudioChunk) { c.SampleRate = -48000 }, "sample_rate"},
		{"pcm at 44.1 kHz", func(c *api.AudioChunk) { c.Codec, c.SampleRate = "pcm", 44100 }, ""},
		{"pcm at 8 kHz", func(c *api.AudioChunk) { c.Codec, c.SampleRate = "pcm", 8000 }, ""},
		{"pcm below 8 kHz", func(c *api.AudioChunk) { c.Codec, c.SampleRate = "pcm", 7999 }, "sample_rate"},
		{"pcm at 96 kHz", func(c *api.AudioChunk) { c.Codec, c.SampleRate = "pcm", 96000 }, ""},
		{"pcm above 96 kHz", func(c *api.AudioChunk) { c.Codec, c.SampleRate = "pcm", 96001 }, "sample_rate"},
		{"no channels", func(c *api.AudioChunk) { c.Channels = 0 }, "channels"},
		{"stereo", func(c *api.AudioChunk) { c.Channels = 2 }, ""},
		{"three channels", func(c *api.AudioChunk) { c.Channels = 3 }, "channels"},
		{"negative channels", func(c *api.AudioChunk) { c.Channels = -1 }, "channels"},
		{"as much audio as is allowed", func(c *api.AudioChunk) { c.AudioData = make([]byte, 3840) }, ""},
		{"too much audio", func(c *api.AudioChunk) { c.AudioData = make([]byte, 3841) }, "audio_data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			chunk := first()
			c.change(chunk)
			o, err := wire.Open(chunk)
			var fe *wire.FieldError
			switch {
			case c.field == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.field == "" && (o.CallID != chunk.CallId || o.Format != codec.Format{
				Codec: chunk.Codec, Rate: int(chunk.SampleRate), Channels: int(chunk.Channels),
			}):
				t.Errorf("opened as %+v", o)
			case c.field != "" && (!errors.As(err, &fe) || fe.Field != c.field):
				t.Errorf("got error %v, want one of field %q", err, c.field)
			case c.field != "" && !strings.HasPrefix(err.Error(), c.field+": "):
				t.Errorf("the error does not begin with its field: %v", err)
			}
		})
	}
}

func TestNoChunkAtAllIsNoOpening(t *testing.T) {
	if _, err := wire.Open(nil); err == nil {
		t.Error("nothing was accepted")
	}
}

func TestWhatAnOpeningSays(t *testing.T) {
	five, err := wire.Open(first())
	if err != nil || five.Extended || five.FrameMS != 20 || five.Complete || five.Destination != "" {
		t.Errorf("five fields: %+v, %v", five, err)
	}
	numbered := first()
	numbered.Sequence = 1
	if o, _ := wire.Open(numbered); !o.Extended {
		t.Error("a caller that numbers is not taken for one that knows more")
	}
	for _, c := range []struct {
		ms   []uint32
		want int
	}{
		{nil, 20},
		{[]uint32{10}, 10},
		{[]uint32{60, 5, 10, 20}, 10},
		{[]uint32{20, 10}, 20},
		{[]uint32{60, 4000000000}, 20},
	} {
		chunk := first()
		chunk.Setup = &api.Setup{
			Destination: "room/x", DisplayName: "\x1b[31mEve\n", FrameMs: c.ms,
			Playout: api.Playout_PLAYOUT_COMPLETE,
		}
		o, err := wire.Open(chunk)
		if err != nil || !o.Extended || o.FrameMS != c.want || o.Destination != "room/x" || !o.Complete || strings.ContainsAny(o.DisplayName, "\x1b\n") {
			t.Errorf("frame_ms %v: %+v, %v", c.ms, o, err)
		}
	}
}

func TestLaterChunksMayOnlyRepeatTheOpening(t *testing.T) {
	o, err := wire.Open(first())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		chunk *api.AudioChunk
		field string
	}{
		{&api.AudioChunk{}, ""},
		{first(), ""},
		{&api.AudioChunk{CallId: "other"}, "call_id"},
		{&api.AudioChunk{Codec: "pcm"}, "codec"},
		{&api.AudioChunk{SampleRate: 16000}, "sample_rate"},
		{&api.AudioChunk{SampleRate: -1}, "sample_rate"},
		{&api.AudioChunk{Channels: 2}, "channels"},
		{&api.AudioChunk{AudioData: make([]byte, 3840)}, ""},
		{&api.AudioChunk{AudioData: make([]byte, 3841)}, "audio_data"},
	} {
		err := o.Check(c.chunk)
		var fe *wire.FieldError
		if c.field == "" && err != nil || c.field != "" && (!errors.As(err, &fe) || fe.Field != c.field) {
			t.Errorf("%v: got %v, want field %q", c.chunk, err, c.field)
		}
	}
}

func TestTheLargestChunkFitsTheMessageLimit(t *testing.T) {
	c := first()
	c.AudioData = make([]byte, codec.MaxPacket)
	c.Sequence, c.MediaTime, c.Ack, c.SentAt, c.EchoSentAt = 1<<40, 1<<48, 1<<40, 1<<50, 1<<50
	c.DroppedBefore, c.Epoch, c.Marks, c.EchoHeld, c.ServerTime = 1000, 9, 1<<12-1, 1<<30, 1<<30
	if n := proto.Size(c); n > wire.MaxMessage {
		t.Errorf("%d bytes", n)
	}
}

func TestTextsAreCleaned(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Ada Lovelace", "Ada Lovelace"},
		{"other scripts", "Žofie 张伟 Ольга", "Žofie 张伟 Ольга"},
		{"spaces around", "  Ada \t\n", "Ada"},
		{"colours", "\x1b[31mred\x1b[0m", "[31mred[0m"},
		{"a window title", "\x1b]0;owned\x07x", "]0;ownedx"},
		{"C1 controls", "a\u009b31mb\u0085c", "a31mbc"},
		{"line breaks", "a\r\nb\u2028c\u2029d", "abcd"},
		{"turned text", "a\u202etxt.exe\u202c\u2066b\u2069", "atxt.exeb"},
		{"zero width", "a\u200b\u200d\ufeff\u00adb", "ab"},
		{"no UTF-8", "a\xff\xc3\x28b\xf0\x9f", "a(b"},
		{"a null", "a\x00b", "ab"},
		{"delete", "a\x7fb", "ab"},
		{"nothing to show", "\x1b\x07\u202e", ""},
		{"64 characters", strings.Repeat("ž", 64), strings.Repeat("ž", 64)},
		{"more", strings.Repeat("ž", 65), strings.Repeat("ž", 64)},
		{"much more, hidden", strings.Repeat("\x1b", 5000) + "x", "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := wire.Clean(c.in); got != c.want {
				t.Errorf("%q became %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "Ada", "\x1b[2J", "\xff\u202e", strings.Repeat("é ", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := wire.Clean(s)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > wire.MaxText || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
			t.Errorf("%q became %q", s, got)
		}
		if again := wire.Clean(got); again != got {
			t.Errorf("%q became %q and then %q", s, got, again)
		}
	})
}

func FuzzOpen(f *testing.F) {
	add := func(c *api.AudioChunk) {
		b, err := proto.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	add(first())
	add(&api.AudioChunk{})
	five := first()
	five.Codec, five.SampleRate, five.AudioData = "pcm", 8000, []byte{1, 2, 3}
	add(five)
	full := first()
	full.Sequence, full.MediaTime, full.Marks, full.DroppedBefore = ^uint64(0), ^uint64(0), wire.MarkDTX, ^uint32(0)
	full.SentAt, full.EchoSentAt, full.EchoHeld, full.Ack = ^uint64(0), 5, ^uint32(0), ^uint64(0)
	full.Setup = &api.Setup{Destination: "room/x", DisplayName: "\x1b", FrameMs: []uint32{10}}
	add(full)
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &api.AudioChunk{}
		if proto.Unmarshal(b, c) != nil {
			return
		}
		o, err := wire.Open(c)
		var fe *wire.FieldError
		switch {
		case err != nil && !errors.As(err, &fe):
			t.Fatalf("an error without a field: %v", err)
		case err != nil:
			o.Format = codec.Format{Codec: codec.PCM, Rate: 8000, Channels: 1}
		case o.CallID == "" || o.Format.Validate() != nil || (o.FrameMS != 10 && o.FrameMS != 20):
			t.Fatalf("opened as %+v", o)
		default:
			if err := o.Check(c); err != nil {
				t.Fatalf("the opening contradicts itself: %v", err)
			}
		}
		r := wire.NewPackets(o.Format)
		for range 3 {
			if p, ok := r.Read(c); ok && (p.Samples < 0 || p.Samples > codec.MaxSamples || p.Samples == 0 && len(p.Data) > 0 || p.DroppedBefore < 0) {
				t.Fatalf("read %+v", p)
			}
		}
		l := wire.NewLink(0)
		if rtt, ok := l.Received(c, 1e9); ok && rtt < 0 {
			t.Fatalf("round trip %v", rtt)
		}
		l.Stamp(c, 2e9)
		if d := l.Due(3e9); d < 0 {
			t.Fatalf("due in %v", d)
		}
	})
}
