package replay_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest/trace"
	"callcenter/audio/jitter"
	"callcenter/audio/playlog"
	"callcenter/softphone/internal/replay"
)

// record runs a recorder over what feed gives it and returns the trace.
func record(t *testing.T, feed func(*replay.Recorder)) (playlog.Trace, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace.txt")
	r, err := replay.NewRecorder(path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	var n uint64
	go func() {
		var err error
		n, err = r.Run()
		done <- err
	}()
	feed(r)
	r.Finish()
	err = <-done
	got, oerr := playlog.OpenTrace(path)
	if oerr != nil || uint64(len(got.Packets)) != n {
		t.Fatalf("%d packets of %d are in the trace: %v", len(got.Packets), n, oerr)
	}
	return got, err
}

// packet is a packet of a trace as a call sees it, on clocks of its own.
func packet(p playlog.Packet, frameMS int) jitter.Packet {
	out := jitter.Packet{Sequence: uint64(p.Seq) + 100, Epoch: 7, Media: p.SendUS*audio.Rate/1_000_000 + 12345, Samples: frameMS * audio.Rate / 1000, DTX: p.DTX}
	if p.DTX {
		out.Samples = 0
	}
	return out
}

// What is recorded of a call replays as the call went: the sender's clock and
// numbers do not matter.
func TestARecordedTraceReplaysLikeItsCall(t *testing.T) {
	for _, spec := range []string{"tcp --sec 60 --loss 2 --rtt 100 --maxage 200", "stall --sec 50", "dtx --sec 30", "wifi --sec 60"} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			made, err := trace.Generate(spec, 1)
			if err != nil {
				t.Fatal(err)
			}
			rtt := time.Duration(made.RTTMS * float64(time.Millisecond))
			recorded, err := record(t, func(r *replay.Recorder) {
				for i, p := range made.Packets {
					at := time.Hour + time.Duration(p.ArriveUS)*time.Microsecond
					known := rtt + time.Duration(i%3)*time.Millisecond
					if i == 0 {
						known = 0
					}
					r.Packet(packet(p, made.FrameMS), at, known)
				}
			})
			if err != nil || recorded.FrameMS != made.FrameMS || recorded.RTTMS != made.RTTMS || len(recorded.Packets) != len(made.Packets) {
				t.Fatalf("recorded %d of %d packets, frames of %d ms, rtt %v: %v", len(recorded.Packets), len(made.Packets), recorded.FrameMS, recorded.RTTMS, err)
			}
			was, is := score(t, made.Trace), score(t, recorded)
			near := func(what string, a, b, most float64) {
				t.Helper()
				if d := a - b; d > most || d < -most {
					t.Errorf("%s is %v, in the call it was %v", what, b, a)
				}
			}
			near("R", was.R, is.R, 0.5)
			near("delay", was.MeanMS, is.MeanMS, 2)
			near("concealment", was.ConcealedPct, is.ConcealedPct, 0.1)
			near("loss", was.TraceLossPct, is.TraceLossPct, 0)
		})
	}
}

// score replays a trace and rates it.
func score(t *testing.T, tr playlog.Trace) playlog.Figures {
	t.Helper()
	res, err := play(tr)
	if err != nil {
		t.Fatal(err)
	}
	f, err := playlog.Score(tr.Packets, res.Log)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheFastestPacketTookHalfTheRoundTrip(t *testing.T) {
	got, err := record(t, func(r *replay.Recorder) {
		for i := range 50 {
			// The first is late, the next ones behind it, and only then one is fast.
			at := max(400*time.Millisecond, time.Duration(i)*audio.Period+time.Duration(100+i%7)*time.Millisecond)
			p := jitter.Packet{Sequence: uint64(i + 1), Media: int64(i * 480), Samples: 480}
			r.Packet(p, at, 40*time.Millisecond)
		}
	})
	least := time.Hour
	for _, p := range got.Packets {
		least = min(least, time.Duration(p.ArriveUS-p.SendUS)*time.Microsecond)
	}
	if err != nil || least != 20*time.Millisecond || got.FrameMS != 10 || got.RTTMS != 40 {
		t.Errorf("least %v, frames of %d ms, rtt %v ms, %v", least, got.FrameMS, got.RTTMS, err)
	}
}

// However the sender counts, the trace has one clock and one count.
func TestTheTracesClockGoesOn(t *testing.T) {
	const frame = 20 * time.Millisecond
	at := func(i int) time.Duration { return time.Duration(i) * frame }
	usual := func(i int) jitter.Packet {
		return jitter.Packet{Sequence: uint64(i + 1), Epoch: 1, Media: int64(i * 960), Samples: 960}
	}
	for name, change := range map[string]func(p *jitter.Packet){
		"a new epoch":                     func(p *jitter.Packet) { p.Epoch, p.Media = 2, p.Media-50*960 },
		"a new epoch and a new count":     func(p *jitter.Packet) { p.Epoch, p.Media, p.Sequence = 2, p.Media-50*960, p.Sequence-50 },
		"a media time that jumps ahead":   func(p *jitter.Packet) { p.Media += 1 << 40 },
		"a media time that jumps back":    func(p *jitter.Packet) { p.Media -= 51 * 960 },
		"a media time beyond all":         func(p *jitter.Packet) { p.Media = int64(1)<<62 + p.Media },
		"a count that jumps ahead by far": func(p *jitter.Packet) { p.Sequence += 1 << 60 },
	} {
		t.Run(name, func(t *testing.T) {
			got, err := record(t, func(r *replay.Recorder) {
				for i := range 100 {
					p := usual(i)
					if i >= 50 {
						change(&p)
					}
					r.Packet(p, at(i), 0)
				}
			})
			if err != nil || len(got.Packets) != 100 {
				t.Fatalf("%d packets, %v", len(got.Packets), err)
			}
			for i, p := range got.Packets {
				if p.Seq != int64(i+1) || p.SendUS != at(i).Microseconds() || p.ArriveUS != p.SendUS {
					t.Fatalf("packet %d is %+v", i, p)
				}
			}
		})
	}
}

func TestWhatATraceCannotHoldIsLeftOutAndSaid(t *testing.T) {
	for name, odd := range map[string]jitter.Packet{
		"a frame of another length": {Sequence: 3, Media: 1920, Samples: 2880},
		"a packet that came before": {Sequence: 1, Media: 0, Samples: 960},
		"a mark that came before":   {Sequence: 2, Media: 960, DTX: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := record(t, func(r *replay.Recorder) {
				r.Packet(jitter.Packet{Sequence: 1, Samples: 960}, 0, 0)
				r.Packet(jitter.Packet{Sequence: 2, Media: 960, Samples: 960}, 20*time.Millisecond, 0)
				r.Packet(odd, 40*time.Millisecond, 0)
			})
			if len(got.Packets) != 2 || err == nil || !strings.Contains(err.Error(), "1 packets are missing") {
				t.Errorf("%d packets, %v", len(got.Packets), err)
			}
		})
	}
}

func TestASlowDiskCostsPacketsAndNeverTheCall(t *testing.T) {
	r, err := replay.NewRecorder(filepath.Join(t.TempDir(), "trace.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5000 { // nobody writes yet
		r.Packet(jitter.Packet{Sequence: uint64(i + 1), Media: int64(i * 960), Samples: 960}, time.Duration(i)*20*time.Millisecond, 0)
	}
	r.Finish()
	n, err := r.Run()
	if n != 4096 || err == nil || !strings.Contains(err.Error(), "904 packets are missing") {
		t.Errorf("%d packets, %v", n, err)
	}
}

// A process that is killed leaves a trace up to a second before.
func TestTheFileIsATraceWhileTheCallLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "trace.txt")
		r, err := replay.NewRecorder(path)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = r.Run()
		}()
		for i := range 100 {
			r.Packet(jitter.Packet{Sequence: uint64(i + 1), Media: int64(i * 960), Samples: 960}, time.Duration(i)*20*time.Millisecond, 30*time.Millisecond)
			time.Sleep(20 * time.Millisecond)
		}
		got, err := playlog.OpenTrace(path)
		if err != nil || len(got.Packets) < 45 || got.RTTMS != 30 {
			t.Errorf("%d packets, rtt %v, %v", len(got.Packets), got.RTTMS, err)
		}
		r.Finish()
		<-done
	})
}

func TestNoTraceWithoutAFile(t *testing.T) {
	if _, err := replay.NewRecorder(os.DevNull); err == nil {
		t.Error("a device took a trace")
	}
}
