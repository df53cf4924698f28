package device_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/audio/port"
	"callcenter/softphone/e2e/pulse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// onPulse is the configuration of every test here: no other sound system can
// stand in.
func onPulse(query string) device.Config {
	return device.Config{Query: query, Backends: []device.Backend{device.PulseAudio}}
}

func startPulse(t *testing.T) *pulse.Server {
	t.Helper()
	s := pulse.Start(t)
	s.Setenv()
	return s
}

// copyAll moves what mic brings to ear until ctx ends. Whenever the ear is dry it
// starts again with a cushion of one period, and it never lets more than three
// gather.
func copyAll(ctx context.Context, mic *port.Capture, ear *port.Playback, period time.Duration) {
	frame := make([]int16, audio.PeriodSamples/4)
	cushion := make([]int16, audio.Samples(period))
	for {
		select {
		case <-ctx.Done():
			return
		case <-mic.Ready():
		}
		if ear.Buffered() == 0 {
			ear.Write(cushion)
		}
		for {
			if _, ok := mic.Read(frame); !ok {
				break
			}
			if ear.Buffered() < 3*len(cushion) {
				ear.Write(frame)
			}
		}
	}
}

// line is a microphone joined to an earpiece.
type line struct {
	mic      *port.Capture
	ear      *port.Playback
	capture  *device.Stream
	playback *device.Stream
}

// openLine opens and joins a microphone and an earpiece, both with period.
func openLine(t *testing.T, mic, ear string, period time.Duration) *line {
	t.Helper()
	micConfig, earConfig := onPulse(mic), onPulse(ear)
	micConfig.Period, earConfig.Period = period, period
	clock := audio.NewClock()
	l := &line{mic: port.NewCapture(clock), ear: port.NewPlayback(clock)}
	var err error
	if l.capture, err = device.OpenCapture(t.Context(), micConfig, l.mic); err != nil {
		t.Fatal(err)
	}
	if l.playback, err = device.OpenPlayback(t.Context(), earConfig, l.ear); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var copying sync.WaitGroup
	copying.Go(func() { copyAll(ctx, l.mic, l.ear, period) })
	t.Cleanup(func() {
		cancel()
		copying.Wait()
		if err := errors.Join(l.capture.Close(), l.playback.Close()); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestPulseDevicesAreListed(t *testing.T) {
	s := startPulse(t)
	s.LoadModule("module-remap-source", "source_name=desk_mic", "master=mouth.monitor",
		`source_properties="device.description='Monitor of nothing'"`)
	list, err := device.List(t.Context(), onPulse(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []device.Info{
		{ID: pulse.HeadsetMic, Name: "Headset-Microphone", Direction: device.Capture, Default: true, Backend: device.PulseAudio},
		{ID: "desk_mic", Name: "Monitor of nothing", Direction: device.Capture, Backend: device.PulseAudio},
		{ID: pulse.HeadsetMonitor, Name: "Monitor of Headset", Direction: device.Capture, Monitor: true, Backend: device.PulseAudio},
		{ID: pulse.Headset, Name: "Headset", Direction: device.Playback, Default: true, Backend: device.PulseAudio},
		{ID: pulse.Mouth, Name: "Mouth", Direction: device.Playback, Backend: device.PulseAudio},
	} {
		if !slices.Contains(list, want) {
			t.Errorf("%+v is not in\n%+v", want, list)
		}
	}
}

func TestPulseDefaultDevicesOpenAsAsked(t *testing.T) {
	startPulse(t)
	l := openLine(t, "", "", audio.Period)
	for _, e := range []audio.Endpoint{l.capture.Endpoint(), l.playback.Endpoint()} {
		// For playback the server grants less than what was asked for: it
		// takes its own buffer off.
		if e.Rate != audio.Rate || e.Channels != 1 || e.Period <= 0 || e.Period > audio.Period ||
			e.Periods < 2 || e.Backend != "pulseaudio" || e.Monitor {
			t.Errorf("opened %+v, want 48 kHz mono with periods of up to 10 ms", e)
		}
	}
	if mic, ear := l.capture.Endpoint().ID, l.playback.Endpoint().ID; mic != pulse.HeadsetMic || ear != pulse.Headset {
		t.Errorf("opened %q and %q, want the defaults", mic, ear)
	}
}

func TestPulseRefusesADefaultMicrophoneThatIsAMonitor(t *testing.T) {
	s := startPulse(t)
	s.Pactl("set-default-source", pulse.HeadsetMonitor)
	assertMonitorRefused(t)
}

func TestPulseRefusesAMonitorNamedByTheEnvironment(t *testing.T) {
	startPulse(t)
	t.Setenv("PULSE_SOURCE", pulse.HeadsetMonitor)
	assertMonitorRefused(t)
}

func assertMonitorRefused(t *testing.T) {
	t.Helper()
	_, err := device.OpenCapture(t.Context(), onPulse(""), port.NewCapture(audio.NewClock()))
	if !errors.Is(err, device.ErrMonitorDefault) {
		t.Fatalf("got %v, want ErrMonitorDefault", err)
	}
	for _, word := range []string{"Monitor of Headset", "no microphone", "Headset-Microphone"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}
}

func TestPulseMonitorOpensByItsWholeID(t *testing.T) {
	startPulse(t)
	s, err := device.OpenCapture(t.Context(), onPulse(pulse.HeadsetMonitor), port.NewCapture(audio.NewClock()))
	if err != nil {
		t.Fatal(err)
	}
	if !s.Endpoint().Monitor {
		t.Error("the monitor is not marked")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestPulseEnvironmentChoosesTheDefaults(t *testing.T) {
	s := startPulse(t)
	t.Setenv("PULSE_SINK", pulse.Mouth)
	ear, err := device.OpenPlayback(t.Context(), onPulse(""), port.NewPlayback(audio.NewClock()))
	if err != nil {
		t.Fatal(err)
	}
	defer closeStream(t, ear)
	if got := ear.Endpoint().ID; got != pulse.Mouth {
		t.Errorf("the endpoint is %q, want %q", got, pulse.Mouth)
	}
	if sink, inputs := sinkIndex(s, pulse.Mouth), s.Pactl("list", "short", "sink-inputs"); !strings.Contains(inputs, "\t"+sink+"\t") {
		t.Errorf("the stream is not on sink %s:\n%s", sink, inputs)
	}
	t.Setenv("PULSE_SINK", "nowhere")
	if _, err := device.OpenPlayback(t.Context(), onPulse(""), port.NewPlayback(audio.NewClock())); !errors.Is(err, device.ErrUnknownDevice) || !strings.Contains(err.Error(), "PULSE_SINK") {
		t.Errorf("got %v, want ErrUnknownDevice naming PULSE_SINK", err)
	}
}

func sinkIndex(s *pulse.Server, name string) string {
	for line := range strings.Lines(s.Pactl("list", "short", "sinks")) {
		if fields := strings.Fields(line); fields[1] == name {
			return fields[0]
		}
	}
	return "?"
}

func closeStream(t *testing.T, s *device.Stream) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestPulseSuspendedDeviceIsLost(t *testing.T) {
	s := startPulse(t)
	mic, err := device.OpenCapture(t.Context(), onPulse(pulse.HeadsetMic), port.NewCapture(audio.NewClock()))
	if err != nil {
		t.Fatal(err)
	}
	defer closeStream(t, mic)
	if mic.Err() != nil {
		t.Errorf("an open device reports %v", mic.Err())
	}
	s.Pactl("suspend-source", pulse.HeadsetMic, "1")
	select {
	case <-mic.Lost():
	case <-time.After(10 * time.Second):
		t.Fatal("the loss was not noticed")
	}
	if err := mic.Err(); !errors.Is(err, device.ErrLost) || !strings.Contains(err.Error(), "Headset-Microphone") {
		t.Errorf("got %v, want ErrLost naming the device", err)
	}
}

func TestPulseCloseEndsAlsoWhenTheServerWasKilled(t *testing.T) {
	s := startPulse(t)
	mic, err := device.OpenCapture(t.Context(), onPulse(""), port.NewCapture(audio.NewClock()))
	if err != nil {
		t.Fatal(err)
	}
	s.Kill()
	closeStream(t, mic)
	if _, err := device.List(t.Context(), onPulse("")); !errors.Is(err, device.ErrNoBackend) {
		t.Errorf("got %v, want ErrNoBackend", err)
	}
}

func TestPulseCloseEndsAlsoWhenTheDeviceVanished(t *testing.T) {
	s := startPulse(t)
	module := s.LoadModule("module-null-sink", "sink_name=dock", "norewinds=1")
	p := port.NewPlayback(audio.NewClock())
	ear, err := device.OpenPlayback(t.Context(), onPulse("dock"), p)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Wanted():
	case <-time.After(10 * time.Second):
		t.Fatal("no callback came")
	}
	s.UnloadModule(module)
	closeStream(t, ear)
}

func TestPulseFrozenServerBlocksNobody(t *testing.T) {
	s := startPulse(t)
	p := port.NewCapture(audio.NewClock())
	mic, err := device.OpenCapture(t.Context(), onPulse(""), p)
	if err != nil {
		t.Fatal(err)
	}
	s.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := device.OpenPlayback(ctx, onPulse(""), port.NewPlayback(audio.NewClock())); !errors.Is(err, device.ErrNoAnswer) {
		t.Errorf("open: got %v, want ErrNoAnswer", err)
	}
	if err := mic.Close(); !errors.Is(err, device.ErrNoAnswer) {
		t.Errorf("close: got %v, want ErrNoAnswer", err)
	}
	callbacks := p.Stats().Callbacks
	s.Thaw()
	select {
	case <-mic.Released():
	case <-time.After(20 * time.Second):
		t.Fatal("the device was not given back after the server answered")
	}
	if got := p.Stats().Callbacks; got != callbacks {
		t.Errorf("the port was used %d times after Close", got-callbacks)
	}
	closeStream(t, mic)
}
