package blackbox

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/playlog"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
)

func TestARingKeepsTheNewestRecordsInItsBytes(t *testing.T) {
	r := newRing(1000)
	for i := range 1500 {
		r.begin(kindOneWay, time.Duration(i)*time.Millisecond)
		r.time(time.Duration(i))
		r.rec = append(r.rec, make([]byte, i%37)...)
		r.end()
		records, _ := r.copy(r.newest())
		last := -1
		if err := walk(records, func(rec record) error {
			n := int(binary.LittleEndian.Uint64(rec.body))
			if last >= 0 && n != last+1 {
				t.Errorf("record %d follows %d", n, last)
			}
			last = n
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if last != i || len(records) > 1000 || i > 100 && len(records) < 900 {
			t.Fatalf("%d bytes are held behind record %d, the newest is %d", len(records), last, i)
		}
	}
}

func TestARingForgetsWhatIsOlderThanAMinute(t *testing.T) {
	r := newRing(1 << 20)
	for at := time.Duration(0); at <= 3*Keep; at += time.Second {
		r.begin(kindFlushed, at)
		r.end()
	}
	records, from := r.copy(r.newest())
	if n := len(records) / headBytes; n != 61 || from == 0 {
		t.Errorf("%d records are held, from byte %d on", n, from)
	}
}

func TestACopyOfARingThatGoesOnIsWhole(t *testing.T) {
	r := newRing(256 << 10)
	var writing sync.WaitGroup
	put := func(i int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.begin(kindOneWay, time.Duration(i))
		r.time(time.Duration(i))
		r.rec = append(r.rec, make([]byte, 300)...)
		r.end()
	}
	for i := range 2000 {
		put(i)
	}
	writing.Go(func() {
		for i := 2000; i < 6000; i++ {
			put(i)
		}
	})
	for range 10 {
		records, _ := r.copy(r.newest())
		last := uint64(0)
		if err := walk(records, func(rec record) error {
			n := binary.LittleEndian.Uint64(rec.body)
			if last != 0 && n != last+1 {
				t.Errorf("record %d follows %d", n, last)
			}
			last = n
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	writing.Wait()
}

func TestWhatIsKeptReplaysToTheSameCounters(t *testing.T) {
	for _, c := range codecs() {
		t.Run(c.Name(), func(t *testing.T) {
			r := newRig(t, c)
			r.talk(3 * time.Second)
			for i := range uint64(20) {
				r.lost[r.sequence+10+i] = true
			}
			r.talk(2 * time.Second)
			r.way = 200 * time.Millisecond
			r.talk(2 * time.Second)
			o, err := r.opened().Replay(c, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !o.Whole || !o.Same() || o.Recorded.PacketsDropped != 20 || o.Recorded.ConcealedSamples == 0 || o.Recorded != r.ear.Stats() {
				t.Errorf("%d of %d pulls differ\nrecorded %+v\nreplayed %+v", o.Differs, o.Pulls, o.Recorded, o.Replayed)
			}
		})
	}
}

func TestATapeThatBeginsInMidCallReplaysToTheSameCountersFromAStateOn(t *testing.T) {
	r := newRig(t, opus.Codec{})
	voice := audiotest.Speech(10*audio.Rate, 3)
	r.said = func(i int) int16 { return voice[i%len(voice)] }
	r.talk(4 * time.Second)
	for range 4 { // gaps, stalls and another delay
		r.talk(9 * time.Second)
		for i := range uint64(20) {
			r.lost[r.sequence+10+i] = true
		}
		r.talk(4 * time.Second)
		r.way += 60 * time.Millisecond
		r.talk(3 * time.Second)
		r.way -= 40 * time.Millisecond
	}
	b := r.opened()
	if l := b.Manifest.LengthS; b.Manifest.Whole || l < 59 || l > 61 {
		t.Errorf("%.1f s are kept, whole %v", l, b.Manifest.Whole)
	}
	o, err := b.Replay(opus.Codec{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.Whole || !o.TakenUp || o.From > 13*time.Second || !o.Same() || o.Recorded.PacketsDropped < 40 || o.Recorded.InsertedSamplesForDeceleration == 0 {
		t.Errorf("taken up %v after %v; %d of %d pulls differ, the first after %v\nrecorded %+v\nreplayed %+v",
			o.TakenUp, o.From, o.Differs, o.Compared, o.First, o.Recorded, o.Replayed)
	}

	b.members[memberState] = []byte("of another softphone")
	if o, err = b.Replay(opus.Codec{}, nil); err != nil {
		t.Fatal(err)
	}
	if o.Whole || o.TakenUp || o.Replayed.PacketsReceived != o.Recorded.PacketsReceived || o.Replayed.PacketsDropped != o.Recorded.PacketsDropped {
		t.Errorf("without the state: %d of %d pulls differ\nrecorded %+v\nreplayed %+v", o.Differs, o.Compared, o.Recorded, o.Replayed)
	}
	b.stats.State = nil
	if o, err = b.Replay(opus.Codec{}, nil); err != nil || o.TakenUp || o.From < WarmUp || o.From > WarmUp+2*time.Second {
		t.Errorf("where there was none it is compared from %v on, error %v", o.From, err)
	}
}

// TestBothLegsPlayInStep says a click each second, of which frames around some are
// dropped, and wants the clicks at their place in both legs, the way apart.
func TestBothLegsPlayInStep(t *testing.T) {
	for _, c := range codecs() {
		t.Run(c.Name(), func(t *testing.T) {
			r := newRig(t, c)
			const every, lasts = audio.Rate, audio.Rate / 20
			r.said = func(i int) int16 {
				if i%every < lasts {
					return int16(12000 * math.Sin(2*math.Pi*1000*float64(i)/audio.Rate))
				}
				return 0
			}
			for i := range uint64(30) {
				r.lost[110+i], r.lost[260+i] = true, true // 0.6 s each, between clicks
			}
			r.talk(8 * time.Second)
			b := r.opened()
			near, err := b.Near(c)
			if err != nil {
				t.Fatal(err)
			}
			far, err := b.Far(c)
			if err != nil {
				t.Fatal(err)
			}
			if d := len(near) - len(far); d < -120 || d > 120 {
				t.Errorf("the legs have %d and %d samples", len(near), len(far))
			}
			if s := float64(len(near))/audio.Rate - b.Manifest.LengthS; math.Abs(s) > 0.03 {
				t.Errorf("%d samples, the manifest says %.2f s", len(near), b.Manifest.LengthS)
			}
			nears, fars := onsets(near), onsets(far)
			if len(nears) != 8 || len(fars) != 8 {
				t.Fatalf("clicks at %v and %v", nears, fars)
			}
			for i := range nears {
				if d := nears[i] - nears[0] - i*every; d < -150 || d > 150 {
					t.Errorf("near: click %d comes %d samples off", i, d)
				}
				// A frame was said before it is sent, and comes after the way.
				if d := fars[i] - nears[i] - audio.Samples(r.way) - frameSamples; d < -300 || d > 300 {
					t.Errorf("far: click %d comes %d samples off", i, d)
				}
			}
		})
	}
}

// onsets are where a sound begins after silence.
func onsets(pcm []int16) (at []int) {
	quiet := audio.Rate
	for i, x := range pcm {
		if x > 3000 || x < -3000 {
			if quiet > audio.Rate/10 {
				at = append(at, i)
			}
			quiet = 0
			continue
		}
		quiet++
	}
	return at
}

// TestAnOggFileHasAPageForEachPacketAndCountsItsSamples reads the container by
// itself: page after page, granule positions that are the samples so far.
func TestAnOggFileHasAPageForEachPacketAndCountsItsSamples(t *testing.T) {
	r := newRig(t, opus.Codec{})
	r.lost[20], r.lost[21] = true, true
	r.talk(2 * time.Second)
	raw := r.opened().Member(nearOgg)
	granule, pages, last := uint64(0), 0, byte(0)
	for len(raw) > 0 {
		if len(raw) < 28 || string(raw[:4]) != "OggS" || binary.LittleEndian.Uint32(raw[18:]) != uint32(pages) {
			t.Fatalf("page %d begins with %q", pages, raw[:min(4, len(raw))])
		}
		segments := int(raw[26])
		body := 0
		for _, n := range raw[27 : 27+segments] {
			body += int(n)
		}
		packet := raw[27+segments:][:body]
		switch {
		case pages == 0 && (!bytes.HasPrefix(packet, []byte("OpusHead")) || packet[9] != 1), pages == 1 && !bytes.HasPrefix(packet, []byte("OpusTags")):
			t.Fatalf("page %d has %q", pages, packet)
		case pages > 1 && len(packet) > 0:
			n, err := (&Box{Manifest: Manifest{Codec: "opus"}}).format().Samples(packet)
			if err != nil {
				t.Fatal(err)
			}
			granule += uint64(n)
		}
		if got := binary.LittleEndian.Uint64(raw[6:]); got != granule {
			t.Fatalf("page %d is at %d, want %d", pages, got, granule)
		}
		last = raw[5]
		pages++
		raw = raw[27+segments+body:]
	}
	if length := float64(granule-preSkip) / audio.Rate; math.Abs(length-2.02) > 0.05 || last&4 == 0 {
		t.Errorf("it lasts %.3f s, its last page is marked %b", length, last)
	}
}

func TestTheTablesSayWhatWasSentReceivedAndPlayed(t *testing.T) {
	r := newRig(t, pcm.Codec{})
	r.lost[60] = true
	r.snapshot.Delay.RTT, r.snapshot.Delay.RTTKnown = 61*time.Millisecond, true
	r.talk(3 * time.Second)
	b := r.opened()
	frames := strings.Split(string(b.Member(memberFrames)), "\n")
	if n := strings.Count(string(b.Member(memberFrames)), "\nnear,"); n != 149 {
		t.Errorf("%d frames of ours, of 150 one was dropped", n)
	}
	want := "near,1.220000,61,1,57600,1920,1,-20,1,0,0,0,1.220000,,,,"
	if !strings.Contains(strings.Join(frames, "\n"), want) {
		t.Errorf("no line %q, line 61 is %q", want, frames[60])
	}
	if n := strings.Count(string(b.Member(memberEar)), "\n"); n != 601 {
		t.Errorf("%d lines about 600 pulls", n)
	}
	if len(b.Rows) != 3 || b.Rows[0]["rtt_ms"] != "61.0" {
		t.Errorf("seconds: %v", b.Rows)
	}
	trace, err := playlog.ReadTrace(bytes.NewReader(b.Member(memberArrivals)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(trace.Packets); n < 140 || trace.FrameMS != 20 || trace.RTTMS != 60 {
		t.Errorf("a trace of %d packets of %d ms, %g ms away", n, trace.FrameMS, trace.RTTMS)
	}
	if p := trace.Packets[10]; p.ArriveUS-p.SendUS != 30000 {
		t.Errorf("a packet was %d µs on its way", p.ArriveUS-p.SendUS)
	}
}
