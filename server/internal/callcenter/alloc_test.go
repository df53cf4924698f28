//go:build !race

package callcenter

import (
	"context"
	"testing"
	"time"

	"callcenter/api"
)

func TestAChunkThroughTheLoopbackAllocatesNothing(t *testing.T) {
	for name, opening := range map[string]*api.AudioChunk{
		"of an extended caller":      extendedOpening("echo"),
		"of a caller of five fields": plainOpening(),
	} {
		t.Run(name, func(t *testing.T) {
			echo := echoChunk(t, opening)
			for range 100 {
				echo() // the queue's slots grow
			}
			if n := testing.AllocsPerRun(1000, echo); n != 0 {
				t.Fatalf("%v allocations a chunk", n)
			}
		})
	}
}

func TestAChunkWithoutAFrameAllocatesNothing(t *testing.T) {
	st, err := openCall(New(testConfig()), &fakeStream{ctx: context.Background()}, extendedOpening("echo"))
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		st.nextReport = st.clock() - time.Second
		if err := st.send(nil, nil); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Fatalf("%v allocations a report", n)
	}
}

func TestAnEchoOverASocketAllocatesWhatGRPCDoes(t *testing.T) {
	allocations := func(w socketWay) float64 {
		echo := socketEcho(t, w)
		for range 200 {
			echo()
		}
		return testing.AllocsPerRun(2000, echo)
	}
	bare, ours, ofAsked := allocations(socketWay{bare: true}), allocations(socketWay{}), allocations(asked(t))
	t.Logf("client and server together: %v an echo, %v of a caller who is asked, a bare server %v", ours, ofAsked, bare)
	if ours > bare || ofAsked > bare {
		t.Errorf("%v and %v allocations an echo, a bare server has %v", ours, ofAsked, bare)
	}
}
