package blackbox

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
)

const frameSamples = audio.Rate / 50

// rig is a call without its goroutines, on a clock that the test moves: what is
// said comes back as from an echo, after a way, and is played.
type rig struct {
	tb   testing.TB
	box  *Recorder
	now  time.Duration
	way  time.Duration
	enc  codec.Encoder
	ear  *playout.Playout
	dec  codec.Decoder
	said func(i int) int16 // the sample of that number

	frame    sendq.Frame
	pcm      []int16
	waiting  []jitter.Packet
	due      []time.Duration
	sequence uint64
	lost     map[uint64]bool // sequences that are dropped, and marked
	dropped  uint32
	snapshot callstate.Snapshot
}

func newRig(tb testing.TB, c codec.Codec) *rig {
	tb.Helper()
	r := &rig{tb: tb, now: 5 * time.Second, way: 60 * time.Millisecond, lost: map[uint64]bool{}}
	r.said = func(i int) int16 { return int16(8000 * math.Sin(2*math.Pi*440*float64(i)/audio.Rate)) }
	format := codec.Format{Codec: c.Name(), Rate: audio.Rate, Channels: 1}
	var err error
	if r.enc, err = c.NewEncoder(format, codec.Options{Bitrate: 32000, Complexity: 1, FrameSamples: frameSamples}); err != nil {
		tb.Fatal(err)
	}
	if r.dec, err = c.NewDecoder(format); err != nil {
		tb.Fatal(err)
	}
	r.box = NewRecorder(Info{CallID: "rig", Destination: "echo", Codec: c.Name(), FrameMS: 20}, func() time.Duration { return r.now })
	r.ear = playout.New(playout.Config{Decoder: r.dec, Tape: r.box})
	r.pcm, r.frame.Data = make([]int16, frameSamples), make([]byte, 0, codec.MaxPacket)
	return r
}

// step is one frame there and back, and four pulls.
func (r *rig) step() {
	at := int(r.sequence) * frameSamples
	r.sequence++
	for i := range r.pcm {
		r.pcm[i] = r.said(at + i)
	}
	n, err := r.enc.Encode(r.frame.Data[:codec.MaxPacket], r.pcm)
	if err != nil {
		r.tb.Fatal(err)
	}
	r.send(n, uint64(at))
	for range 4 {
		r.now += audio.Period / 2
		for len(r.due) > 0 && r.due[0] <= r.now {
			r.arrive()
		}
		r.ear.SetAhead(10 * time.Millisecond)
		r.ear.Pull(r.pcm[:audio.PeriodSamples/2], r.now)
	}
	if r.sequence%50 == 0 {
		r.box.Second(&r.snapshot)
	}
}

// send lets a frame leave, or drops it.
func (r *rig) send(n int, media uint64) {
	if r.lost[r.sequence] {
		r.dropped++
		return
	}
	f := &r.frame
	f.Data = f.Data[:n]
	f.Sequence, f.Media, f.Samples, f.Made = r.sequence, media+1, frameSamples, r.now
	f.DroppedBefore, r.dropped = r.dropped, 0
	f.Marks = wire.LevelMarks(20, true)
	r.box.Sent(f, 1, r.now)
	r.waiting = append(r.waiting, jitter.Packet{
		Sequence: r.sequence, Epoch: 1, Media: int64(media), Samples: frameSamples, DroppedBefore: int(f.DroppedBefore),
		Data: append([]byte(nil), f.Data...),
	})
	r.due = append(r.due, r.now+r.way)
}

func (r *rig) arrive() {
	p := r.waiting[0]
	r.ear.SetOneWay(r.way / 2)
	r.ear.Push(p, r.due[0])
	r.box.Came(call.Came{At: r.due[0], RTT: r.way, Sequence: p.Sequence, Epoch: 1, Media: p.Media, Bytes: len(p.Data), Ack: p.Sequence})
	r.waiting, r.due = r.waiting[1:], r.due[1:]
}

// talk goes on for d.
func (r *rig) talk(d time.Duration) {
	for end := r.now + d; r.now < end; {
		r.step()
	}
}

// save writes the call's black box into a new folder and returns its content.
func (r *rig) save() []byte {
	r.tb.Helper()
	shelf := Shelf{Folder: filepath.Join(r.tb.TempDir(), "blackbox"), Version: "1.0", Settings: "codec = \"opus\" # default\n"}
	s, err := shelf.Save(r.box, Extra{Screen: "the screen", Server: "127.0.0.1:50051", State: "live", Report: &call.Report{Destination: "echo"}})
	if err != nil {
		r.tb.Fatal(err)
	}
	raw, err := os.ReadFile(s.Path)
	if err != nil {
		r.tb.Fatal(err)
	}
	return raw
}

// opened is the call's black box.
func (r *rig) opened() *Box {
	r.tb.Helper()
	b, err := Parse("box.zip", r.save())
	if err != nil {
		r.tb.Fatal(err)
	}
	return b
}

// codecs are those of the wire.
func codecs() []codec.Codec { return []codec.Codec{opus.Codec{}, pcm.Codec{}} }
