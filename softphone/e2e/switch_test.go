//go:build !race

package e2e

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/softphone/e2e/pulse"
	"callcenter/softphone/internal/audition"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/sound"
)

// The second headset.
const (
	spare        = "spare"
	spareMonitor = "spare.monitor"
	spareMic     = "spare_mic"
	// switchGap is how long sound may be missing each way when a device is
	// switched. One takes over from the other within a callback; what is above
	// that is what the windows of the test and a busy machine add.
	switchGap = 400 * time.Millisecond
)

// plugInSpare connects a second headset that hears the same mouth. It returns
// its modules.
func plugInSpare(card *pulse.Server) (modules []string) {
	return []string{
		card.LoadModule("module-null-sink", "sink_name="+spare, "norewinds=1", "rate=48000", "sink_properties=device.description=Spare"),
		card.LoadModule("module-remap-source", "source_name="+spareMic, "master=mouth.monitor", "channels=1", "channel_map=mono",
			"master_channel_map=mono", "remix=no", "source_properties=device.description=Spare-Microphone"),
	}
}

// longest returns the longest time without the phone's tone since then, up to
// the tone that was heard last.
func (e *toneEar) longest(since time.Duration) (gap time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := since
	for _, at := range e.heard {
		if at > since {
			gap, last = max(gap, at-last), at
		}
	}
	return gap
}

// sides watches for how long neither of two earpieces plays the other's tone.
type sides struct {
	stop    context.CancelFunc
	running sync.WaitGroup
	gap     time.Duration // once it is stopped
}

func watchSides(clock audio.Clock, one, two *pulse.Recording) *sides {
	ctx, cancel := context.WithCancel(context.Background())
	s := &sides{stop: cancel}
	s.running.Go(func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for last := clock(); ctx.Err() == nil; <-ticker.C {
			if now := clock(); plays(one) || plays(two) {
				s.gap, last = max(s.gap, now-last), now
			}
		}
	})
	return s
}

func (s *sides) longest() time.Duration {
	s.stop()
	s.running.Wait()
	return s.gap
}

// switchTo switches both ends and returns once the call has them.
func (d *deskCall) switchTo(microphone, earpiece string) {
	d.t.Helper()
	d.phone.ChooseMicrophone(microphone)
	d.phone.ChooseEarpiece(earpiece)
	waitFor(d.t, "the switch to "+microphone+" and "+earpiece, func() bool {
		s := d.phone.Snapshot()
		return s.MicrophoneOpen.ID == microphone && s.EarpieceOpen.ID == earpiece
	})
}

func TestAHeadsetIsSwitchedInTheMiddleOfACall(t *testing.T) {
	card := pulse.Start(t)
	card.Setenv()
	modules := plugInSpare(card)
	d := dialDesk(t, card)
	d.heardBothWays(d.Clock())
	headset, other := card.Record(pulse.HeadsetMonitor), card.Record(spareMonitor)
	defer headset.Stop()
	defer other.Stop()
	waitFor(t, "the tone in the headset", func() bool { return plays(headset) })

	var ups, downs []time.Duration
	var first resources
	const switches = 10
	for i := range switches {
		mic, ear, at := spareMic, spare, other
		if i%2 == 1 {
			mic, ear, at = pulse.HeadsetMic, pulse.Headset, headset
		}
		since, watched := d.Clock(), watchSides(d.Clock, headset, other)
		d.switchTo(mic, ear)
		waitFor(t, "the tone in "+ear, func() bool { return plays(at) })
		pass(500 * time.Millisecond) // the one before is given back
		ups, downs = append(ups, d.other.longest(since)), append(downs, watched.longest())
		if s := d.phone.Snapshot(); s.State != callstate.Live || s.MicrophoneEnd.State != callstate.EndOpen || s.EarpieceEnd.State != callstate.EndOpen {
			t.Fatalf("after switch %d: %v, microphone %+v, earpiece %+v", i, s.State, s.MicrophoneEnd, s.EarpieceEnd)
		}
		if i == 0 {
			first = countResources(t)
		}
	}
	t.Logf("without sound for up to %v up, %v down", spread(ups), spread(downs))
	if m := max(median(ups), median(downs)); m > switchGap {
		t.Errorf("a median of %v without sound, want up to %v", m, switchGap)
	}
	if last := countResources(t); last.goroutines > first.goroutines+3 || last.files > first.files+3 {
		t.Errorf("%+v after one switch, %+v after %d", first, last, switches)
	}
	waitFor(t, "the delays to be what they aim at", func() bool {
		up, down := d.excess()
		return max(up, down) <= noBacklog
	})
	if n := d.saying("The microphone is now", "48 kHz"); n != switches {
		t.Errorf("%d of %d switches were said: %q", n, switches, d.said)
	}

	// What cannot be opened leaves the call as it is.
	card.UnloadModule(modules[0])
	d.phone.ChooseEarpiece(spare)
	waitFor(t, "a sentence", func() bool { return d.saying(`The earpiece stays "Headset"`, "unknown sound device") == 1 })
	d.heardBothWays(d.Clock())
	if r := d.ended(); r.Ended != "hung up" || r.Stats.DeviceReopens != 0 {
		t.Errorf("the call ended as %q with %d devices opened again", r.Ended, r.Stats.DeviceReopens)
	}
}

func TestATonePlayerIsSwitchedToAHeadset(t *testing.T) {
	card := pulse.Start(t)
	card.Setenv()
	d := dialDesk(t, card, func(c *phone.Config) {
		c.Sound = headset{capture: "null", playback: "null", periods: sound.NewPeriods()}
	})
	since := d.Clock()
	d.switchTo(pulse.HeadsetMic, pulse.Headset)
	d.heardBothWays(since)
	waitFor(t, "the delays to be what they aim at", func() bool {
		up, down := d.excess()
		return max(up, down) <= noBacklog
	})
}

// noChoice chooses nothing.
type noChoice struct{}

func (noChoice) Chosen([]sound.Info, sound.Direction) (sound.Info, bool) { return sound.Info{}, false }
func (noChoice) Choose(sound.Info)                                       {}

func TestTheDevicesScreenFollowsWhatIsPluggedIn(t *testing.T) {
	procs := runtime.GOMAXPROCS(runtime.NumCPU() + 2) // as the softphone does
	defer runtime.GOMAXPROCS(procs)
	card := pulse.Start(t)
	card.Setenv()
	modules := plugInSpare(card)
	card.LoadModule("module-sine", "sink="+pulse.Mouth, "rate=48000", "frequency=440")
	b := audition.New(audition.Config{Phone: newPhone("127.0.0.1:1"), Choices: noChoice{}})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = b.Run(ctx) })
	defer running.Wait()
	defer cancel()
	pick := func(list []callstate.BenchDevice, id string) callstate.BenchDevice {
		for _, d := range list {
			if d.ID == id {
				return d
			}
		}
		return callstate.BenchDevice{}
	}
	mic := func(id string) callstate.BenchDevice { return pick(b.State().Microphones, id) }
	ear := func(id string) callstate.BenchDevice { return pick(b.State().Earpieces, id) }

	before, streams := countResources(t), outputs(card)
	b.Begin()
	waitFor(t, "both microphones", func() bool {
		one, two := mic(pulse.HeadsetMic), mic(spareMic)
		return one.Open != nil && two.Open != nil && one.Level.Peak > -40 && two.Level.Peak > -40
	})
	if d := mic(pulse.HeadsetMic); !d.Default || d.Open == nil || d.Open.Rate != audio.Rate || d.Open.Period == 0 || d.Backend != "pulseaudio" {
		t.Errorf("the headset's microphone shows %+v", d)
	}
	if d := mic(pulse.HeadsetMonitor); !d.Monitor || d.Open != nil {
		t.Errorf("the monitor shows %+v", d)
	}

	heard := card.Record(spareMonitor)
	b.Tone(spare)
	waitFor(t, "the test tone", func() bool {
		n := heard.Samples()
		return n > audio.Rate/20 && toneLevel(heard.Since(n - audio.Rate/20)[:audio.Rate/20], 440) > -30
	})
	b.Record(spareMic)
	waitFor(t, "the playback", func() bool { return b.State().Recording.State == callstate.RecordPlaying })
	heard.Stop()

	for _, m := range modules {
		card.UnloadModule(m)
	}
	since := time.Now()
	waitFor(t, "the spare headset to be gone", func() bool {
		return mic(spareMic).Gone && mic(spareMic).Open == nil && ear(spare).Gone && mic(pulse.HeadsetMic).Open != nil
	})
	t.Logf("gone after %v", time.Since(since))
	plugInSpare(card)
	waitFor(t, "the spare headset to be back", func() bool { return mic(spareMic).Open != nil && !ear(spare).Gone })

	b.End()
	waitFor(t, "everything to be given back", func() bool {
		after := countResources(t)
		return after.goroutines <= before.goroutines+1 && outputs(card) == streams
	})
}

// outputs are how many streams take from the sound server's microphones.
func outputs(card *pulse.Server) int {
	return strings.Count(card.Pactl("list", "short", "source-outputs"), "\t")
}
