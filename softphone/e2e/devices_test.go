//go:build !race

package e2e

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/softphone/e2e/pulse"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

const (
	// backWithin is how soon after a device's return sound must go both ways
	// again, as a median: a busy machine holds single ones up.
	backWithin = 2 * time.Second
	// awayFor is how long a fault lasts, and frozenFor one of a sound server
	// that hangs.
	awayFor   = 1500 * time.Millisecond
	frozenFor = 5 * time.Second
	// noBacklog is how much more delay than its target a playout may have after
	// the last fault: far less than a sound server kept while it was frozen.
	noBacklog = 200 * time.Millisecond
)

// faults is how often each fault is made in a row.
func faults(t *testing.T) int {
	t.Helper()
	text := os.Getenv("FAULTS")
	if text == "" {
		return 2
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("FAULTS is %q, want a number", text)
	}
	return n
}

// TestACallOutlivesItsDevices takes both devices of a call away again and again.
func TestACallOutlivesItsDevices(t *testing.T) {
	for _, fault := range []struct {
		name string
		make func(d *deskCall) (since time.Duration)
		gone bool // it is known to be gone, not merely silent
	}{
		{"the sound server is killed", func(d *deskCall) time.Duration {
			d.card.Kill()
			d.away(awayFor)
			d.card.Restart()
			since := d.Clock()
			d.hum()
			return since
		}, true},
		{"the headset is unplugged", func(d *deskCall) time.Duration {
			d.card.Unplug()
			d.away(awayFor)
			d.card.PlugIn(audio.Rate)
			return d.Clock()
		}, true},
		{"the headset comes back at another rate", func(d *deskCall) time.Duration {
			d.card.Unplug()
			d.away(awayFor)
			d.card.PlugIn(16000)
			return d.Clock()
		}, true},
		{"the headset is suspended", func(d *deskCall) time.Duration {
			d.card.Suspend(true)
			d.away(awayFor)
			d.card.Suspend(false)
			return d.Clock()
		}, false},
		{"the sound server is frozen", func(d *deskCall) time.Duration {
			d.card.Freeze()
			d.away(frozenFor)
			d.card.Thaw()
			return d.Clock()
		}, false},
	} {
		t.Run(fault.name, func(t *testing.T) { repeatFault(t, fault.make, fault.gone) })
	}
}

func repeatFault(t *testing.T, fault func(*deskCall) time.Duration, gone bool) {
	card := pulse.Start(t)
	card.Setenv()
	d := dialDesk(t, card)
	d.heardBothWays(0)
	id := d.phone.Snapshot().CallID
	var ups, downs []time.Duration
	var first resources
	count := faults(t)
	for i := range count {
		up, down := d.heardBothWays(fault(d))
		ups, downs = append(ups, up), append(downs, down)
		waitFor(t, "both ends to be open", func() bool {
			s := d.phone.Snapshot()
			return s.MicrophoneEnd.State == callstate.EndOpen && s.EarpieceEnd.State == callstate.EndOpen
		})
		if s := d.phone.Snapshot(); s.State != callstate.Live || s.CallID != id {
			t.Fatalf("after fault %d the line is %v, call %q of %q", i+1, s.State, s.CallID, id)
		}
		<-time.After(time.Second)
		if i == 0 {
			first = countResources(t)
		}
	}
	if last := countResources(t); last.goroutines > first.goroutines+3 || last.files > first.files+3 {
		t.Errorf("%+v after one fault, %+v after %d", first, last, count)
	}
	waitFor(t, "the delays to be what they aim at", func() bool {
		up, down := d.excess()
		return max(up, down) <= noBacklog
	})
	r := d.ended()
	t.Logf("uplink back after %v", spread(ups))
	t.Logf("downlink back after %v", spread(downs))
	t.Logf("%d devices opened again, %d frames lost; said: %q", r.Stats.DeviceReopens, r.Lost, d.said)
	if m := max(median(ups), median(downs)); m > backWithin {
		t.Errorf("a median of %v until sound went again, want up to %v", m, backWithin)
	}
	checkTold(t, d, &r, count, gone)
}

// checkTold wants a sentence for each end and event, and another for its return.
func checkTold(t *testing.T, d *deskCall, r *call.Report, count int, gone bool) {
	t.Helper()
	for _, end := range []string{"microphone", "earpiece"} {
		lost := d.saying("The "+end, "The call goes on.")
		if back := d.saying("The "+end, " is back after "); lost < count || back < count {
			t.Errorf("%d losses and %d returns of the %s were told, want %d", lost, back, end, count)
		}
	}
	if gone && r.Stats.DeviceReopens < uint64(2*count) {
		t.Errorf("%d devices were opened again, want %d", r.Stats.DeviceReopens, 2*count)
	}
}

// away waits until a fault of both ends is seen, and lets it last.
func (d *deskCall) away(long time.Duration) {
	d.t.Helper()
	waitFor(d.t, "the fault to be seen", func() bool {
		s := d.phone.Snapshot()
		return s.MicrophoneEnd.State != callstate.EndOpen && s.EarpieceEnd.State != callstate.EndOpen
	})
	<-time.After(long)
}

// spread is a distribution: least, median, greatest.
func spread(d []time.Duration) []time.Duration {
	d = slices.Sorted(slices.Values(d))
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return []time.Duration{round(d[0]), round(d[len(d)/2]), round(d[len(d)-1])}
}

// TestALoudspeakerIsNeverChosenUnasked unplugs a headset beside a loudspeaker,
// which becomes the default. A customer's voice must not come out of it.
func TestALoudspeakerIsNeverChosenUnasked(t *testing.T) {
	card := pulse.Start(t)
	card.Setenv()
	card.LoadModule("module-null-sink", "sink_name=loudspeaker", "norewinds=1", "rate=48000")
	d := dialDesk(t, card)
	d.heardBothWays(0)
	card.UnloadModule(d.humming) // PulseAudio may move it to a new default
	loud := card.Record("loudspeaker.monitor")
	card.Unplug()
	card.Pactl("set-default-sink", "loudspeaker")
	waitFor(t, "the loss to be seen", func() bool { return d.phone.Snapshot().EarpieceEnd.State == callstate.EndGone })
	loud.WaitSamples(loud.Samples() + 3*audio.Rate)
	if inputs := card.Pactl("list", "short", "sink-inputs"); inputs != "" {
		t.Errorf("somebody plays:\n%s", inputs)
	}
	card.PlugIn(audio.Rate)
	waitFor(t, "the headset to be taken back", func() bool { return d.phone.Snapshot().EarpieceEnd.State == callstate.EndOpen })
	loud.WaitSamples(loud.Samples() + audio.Rate/2)
	if heard := loud.Stop(); slices.ContainsFunc(heard, func(v int16) bool { return v != 0 }) {
		t.Error("the loudspeaker has played something")
	}
	d.hum()
	d.heardBothWays(d.Clock())
	if e := d.phone.Snapshot().EarpieceOpen; e.ID != pulse.Headset {
		t.Errorf("the earpiece is %+v", e)
	}
}

// TestAPhoneOutlivesASoundServerBetweenCalls calls with a sound server, without
// one, and with one again.
func TestAPhoneOutlivesASoundServerBetweenCalls(t *testing.T) {
	card := pulse.Start(t)
	card.Setenv()
	d := dialDesk(t, card)
	d.ended()
	card.Kill()
	if _, err := d.phone.Place(t.Context(), phone.Order{}); err == nil || !strings.Contains(err.Error(), "start PulseAudio or PipeWire") {
		t.Errorf("without a sound server dialing says: %v", err)
	}
	card.Restart()
	r, err := d.phone.Place(t.Context(), phone.Order{Limit: time.Second})
	if err != nil || r.Sent == 0 || r.Ended != "duration" {
		t.Errorf("with one again: %v, %+v", err, r)
	}
}
