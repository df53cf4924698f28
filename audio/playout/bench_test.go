package playout_test

import (
	"slices"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/playout"
)

// BenchmarkPull plays speech over a network with stalls, so that every kind of
// pull is in the figures.
func BenchmarkPull(b *testing.B) {
	arrivals := audiotest.Frames(speech(20*audio.Rate, 1), frame)
	audiotest.Delay(arrivals, audiotest.Gamma(30*ms, 15*ms, 1))
	for at := 2 * time.Second; at < 20*time.Second; at += 3 * time.Second {
		audiotest.Stall(arrivals, at, 200*ms)
	}
	var out [audio.PeriodSamples]int16
	took := make([]time.Duration, 0, 1<<16)
	var p *playout.Playout
	next, now := len(arrivals), time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		if next == len(arrivals) {
			p, _ = newPlayout()
			next, now = 0, 0
		}
		now += audio.Period
		for next < len(arrivals) && arrivals[next].At <= now {
			p.Push(arrivals[next].Packet, arrivals[next].At)
			next++
		}
		begin := time.Now()
		p.Pull(out[:], now)
		if len(took) < cap(took) {
			took = append(took, time.Since(begin))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
	b.ReportMetric(float64(took[len(took)-1]), "max-ns")
}

// BenchmarkPush is the receive loop's share.
func BenchmarkPush(b *testing.B) {
	arrivals := audiotest.Frames(make([]int16, audio.Rate), frame)
	p, _ := newPlayout()
	pkt := arrivals[0].Packet
	now := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		now += 20 * ms
		p.Push(pkt, now)
		pkt.Sequence++
		pkt.Media += frame
	}
}
