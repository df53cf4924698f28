package device_test

import (
	"errors"
	"strings"
	"testing"

	"callcenter/audio/device"
)

func mic(id, name string) device.Info {
	return device.Info{ID: id, Name: name, Direction: device.Capture, Backend: device.PulseAudio}
}

func monitor(id, name string) device.Info {
	d := mic(id, name)
	d.Monitor = true
	return d
}

func byDefault(d device.Info) device.Info {
	d.Default = true
	return d
}

func TestFindCapture(t *testing.T) {
	t.Parallel()
	office := []device.Info{
		byDefault(mic("usb-headset", "Jabra Evolve")),
		mic("webcam", "Jabra Webcam"),
		mic("desk", "Desk microphone"),
		monitor("speakers.monitor", "Monitor of Speakers"),
		{ID: "speakers", Name: "Speakers", Direction: device.Playback},
	}
	onlyMonitor := []device.Info{byDefault(monitor("speakers.monitor", "Monitor of Speakers"))}
	for _, tt := range []struct {
		name  string
		list  []device.Info
		query string
		id    string
		err   error
		says  []string
	}{
		{name: "nothing asked for is the default", list: office, id: "usb-headset"},
		{name: "an exact id", list: office, query: "webcam", id: "webcam"},
		{name: "an exact name in other capitals", list: office, query: "JABRA evolve", id: "usb-headset"},
		{name: "a part of a name", list: office, query: "evol", id: "usb-headset"},
		{name: "a part of an id", list: office, query: "usb-", id: "usb-headset"},
		{
			name: "a part that two names have", list: office, query: "jabra", err: device.ErrAmbiguous,
			says: []string{`"Jabra Evolve" (usb-headset)`, `"Jabra Webcam" (webcam)`},
		},
		{
			name: "an unknown name", list: office, query: "Plantronics", err: device.ErrUnknownDevice,
			says: []string{`"Plantronics"`, "Jabra Evolve", "Desk microphone"},
		},
		{name: "a monitor by its whole id", list: office, query: "speakers.monitor", id: "speakers.monitor"},
		{
			name: "a monitor by a part of its id", list: office, query: "speakers", err: device.ErrUnknownDevice,
			says: []string{"speakers.monitor", "whole id"},
		},
		{name: "a monitor by its name", list: office, query: "Monitor of Speakers", err: device.ErrUnknownDevice, says: []string{"whole id"}},
		{
			name: "a default that is a monitor", list: onlyMonitor, err: device.ErrMonitorDefault,
			says: []string{"Monitor of Speakers", "there is no microphone", "connect a microphone"},
		},
		{
			name: "a default that is a monitor while there are microphones", err: device.ErrMonitorDefault,
			list: append([]device.Info{mic("desk", "Desk")}, onlyMonitor...), says: []string{"choose one of these", `"Desk" (desk)`},
		},
		{name: "monitors are no microphones", list: onlyMonitor, query: "desk", err: device.ErrNoDevice, says: []string{"no microphone is connected"}},
		{name: "no device at all", err: device.ErrNoDevice, says: []string{"no microphone is connected"}},
		{name: "a sound system without a default chooses by itself", list: []device.Info{mic("hw:0", "Card")}, id: ""},
		{name: "escape sequences in the query do not reach the screen", list: office, query: "\x1b[31mred", err: device.ErrUnknownDevice, says: []string{`"red"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := device.Find(tt.list, device.Capture, tt.query)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if err == nil && got.ID != tt.id {
				t.Errorf("found %q, want %q", got.ID, tt.id)
			}
			for _, word := range tt.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
		})
	}
}

func TestFindPlaybackIgnoresMicrophones(t *testing.T) {
	t.Parallel()
	list := []device.Info{mic("headset", "Headset"), byDefault(device.Info{ID: "headset", Name: "Headset", Direction: device.Playback})}
	got, err := device.Find(list, device.Playback, "headset")
	if err != nil || got != list[1] {
		t.Errorf("found %+v, %v", got, err)
	}
}

func TestErrorsNameAFewDevicesOnly(t *testing.T) {
	t.Parallel()
	var list []device.Info
	for _, c := range "abcdefghij" {
		list = append(list, mic("card-"+string(c), "Card "+string(c)))
	}
	_, err := device.Find(list, device.Capture, "x")
	if err == nil || !strings.HasSuffix(err.Error(), "and 2 more") {
		t.Errorf("got %v, want 8 devices and 2 more", err)
	}
}
