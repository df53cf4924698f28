package room

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/sendq"
)

// packetsOf reads a file of Opus packets, each behind a byte that is its length. They
// are 200 ms of a tone of 1015 Hz at 3000, which begin anew in phase: what our own
// encoder does not make.
func packetsOf(t *testing.T, name string) [][]byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var packets [][]byte
	for len(data) > 0 {
		n := int(data[0])
		packets = append(packets, data[1:1+n])
		data = data[1+n:]
	}
	return packets
}

// The shortest frames of Opus, which others may send, are heard like any.
func TestTheShortestOpusFramesAreHeard(t *testing.T) {
	for _, name := range []string{"opus-2.5ms.bin", "opus-5ms.bin"} {
		t.Run(name, func(t *testing.T) {
			packets := packetsOf(t, name)
			samples := 9600 / len(packets)
			synctest.Test(t, func(t *testing.T) {
				c := newCrowd(t, 2, 3, 1)
				c.enter(0, opusFormat, 3000)
				c.enter(1, wide(), 3000)
				talker := c.guests[0]
				for n := range audio.Rate * 2 / samples {
					packet := packets[n%len(packets)]
					if got, err := opusFormat.Samples(packet); err != nil || got != samples {
						t.Fatalf("a packet of %d samples, want %d: %v", got, samples, err)
					}
					if n == audio.Rate/samples {
						c.guests[1].ear.hear()
						talker.ear.hear()
					}
					seq := uint64(n + 1)
					talker.leg.Push(context.Background(), Uplink{
						Frame:    sendq.Frame{Sequence: seq, Epoch: 1, Data: packet, Made: c.d.cfg.Clock()},
						Packet:   jitter.Packet{Sequence: seq, Epoch: 1, Media: int64(n * samples), Samples: samples, Data: packet},
						Playable: true,
					})
					time.Sleep(audio.Duration(samples))
				}
				synctest.Wait()
				heard := spectrum(c.guests[1].ear.hear(), audio.Rate, []float64{1015})[0]
				itself := spectrum(talker.ear.hear(), audio.Rate, []float64{1015})[0]
				if db := decibels(heard, 3000); db < -1 || db > 1 {
					t.Errorf("it is heard at %.1f dB", db)
				}
				if db := decibels(itself, 3000); db > mustAbsent {
					t.Errorf("it hears itself at %.1f dB", db)
				}
				for _, g := range c.present() {
					for _, fault := range g.ear.check() {
						t.Errorf("%v: %s", g, fault)
					}
					g.leg.Leave()
				}
			})
		})
	}
}
