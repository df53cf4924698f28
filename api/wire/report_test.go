package wire_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
)

func TestAReportTellsAllThatAPlayoutKnows(t *testing.T) {
	const d = 1500 * time.Millisecond
	s := playout.Stats{
		Stats: jitter.Stats{
			PacketsReceived: 1, PacketsLost: 2, PacketsDropped: 3, PacketsDiscarded: 4, Outages: 5,
			RelativePacketArrivalDelay: d, ClockDriftPPM: -7.5, Jitter: d, Target: d,
		},
		TotalSamplesReceived: 6, ConcealedSamples: 7, SilentConcealedSamples: 8, ConcealmentEvents: 9,
		InsertedSamplesForDeceleration: 10, RemovedSamplesForAcceleration: 11, SilentSamples: 12,
		SkippedSamples: 13, JitterBufferEmittedCount: 14, Pulls: 7,
		JitterBufferDelay: d, JitterBufferTargetDelay: 2 * d, JitterBufferMinimumDelay: 3 * d,
		InterruptionCount: 15, TotalInterruptionDuration: d, StallCount: 16, StallDuration: d, Delay: d,
	}
	r := &api.Report{}
	wire.Describe(r, &s)
	// What only a side itself knows.
	theirs := []string{
		"PacketsDropped", "MouthToEarEstUs", "DeviceUnderruns", "CaptureOverruns", "EarLimitedSamples", "REst", "MosEst",
		"Training",
	}
	v := reflect.ValueOf(r).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if !v.Type().Field(i).IsExported() {
			continue
		}
		if v.Field(i).IsZero() != slices.Contains(theirs, name) {
			t.Errorf("%s is %v", name, v.Field(i))
		}
	}
	if r.GetJitterBufferDelay() != 3 || r.GetJitterUs() != 1500000 || r.GetStallDuration() != 1.5 {
		t.Errorf("units: %v sample seconds, %v µs, %v s", r.GetJitterBufferDelay(), r.GetJitterUs(), r.GetStallDuration())
	}
}
