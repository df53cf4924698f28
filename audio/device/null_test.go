package device_test

import (
	"errors"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/audio/port"
)

// onNull opens devices that have a clock and no sound.
var onNull = device.Config{Backends: []device.Backend{device.Null}}

func TestStreamsRunBetweenOpenAndClose(t *testing.T) {
	t.Parallel()
	clock := audio.NewClock()
	in, out := port.NewCapture(clock), port.NewPlayback(clock)
	capture, err := device.OpenCapture(t.Context(), onNull, in)
	if err != nil {
		t.Fatal(err)
	}
	playback, err := device.OpenPlayback(t.Context(), onNull, out)
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []<-chan struct{}{in.Ready(), out.Wanted()} {
		select {
		case <-signal:
		case <-time.After(10 * time.Second):
			t.Fatal("no callback came")
		}
	}
	for _, s := range []*device.Stream{capture, playback} {
		if e := s.Endpoint(); e.Backend != "null" || e.Rate != audio.Rate || e.Channels == 0 || e.Period != audio.Period || e.Periods != device.Periods || e.Name == "" {
			t.Errorf("opened %+v", e)
		}
		for range 2 { // closing again is harmless
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		select {
		case <-s.Released():
		default:
			t.Error("the device was not given back")
		}
		if s.Err() != nil {
			t.Errorf("a device that was closed reports %v", s.Err())
		}
	}
	if before := in.Stats().Callbacks; before == 0 {
		t.Error("nothing was captured")
	}
}

func TestListOfTheNullDevice(t *testing.T) {
	t.Parallel()
	list, err := device.List(t.Context(), onNull)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Direction != device.Capture || list[1].Direction != device.Playback {
		t.Errorf("got %+v, want a microphone and a playback device", list)
	}
	for _, d := range list {
		if d.ID == "" || d.Name == "" || d.Monitor || d.Backend != device.Null {
			t.Errorf("got %+v", d)
		}
	}
}

func TestTheNullDeviceIsNeverPickedByItself(t *testing.T) {
	t.Parallel()
	for _, b := range device.Backends() {
		if b == device.Null {
			t.Error("null is among the sound systems that are tried")
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		cfg  device.Config
		want error
	}{
		{"an unknown device", device.Config{Query: "x", Backends: onNull.Backends}, device.ErrUnknownDevice},
		{"an unknown sound system", device.Config{Backends: []device.Backend{"gramophone"}}, device.ErrNoBackend},
		{"a sound system of another operating system", device.Config{Backends: []device.Backend{foreign()}}, device.ErrNoBackend},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := device.OpenPlayback(t.Context(), tt.cfg, port.NewPlayback(audio.NewClock())); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	for _, period := range []time.Duration{time.Millisecond, 2500 * time.Microsecond, time.Second, -audio.Period} {
		cfg := device.Config{Period: period, Backends: onNull.Backends}
		if _, err := device.OpenPlayback(t.Context(), cfg, port.NewPlayback(audio.NewClock())); err == nil {
			t.Errorf("a period of %v was accepted", period)
		}
	}
}

// foreign is a sound system that this operating system cannot have.
func foreign() device.Backend {
	for _, b := range device.Backends() {
		if b == device.CoreAudio {
			return device.PulseAudio
		}
	}
	return device.CoreAudio
}
