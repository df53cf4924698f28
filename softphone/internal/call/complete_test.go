package call

import (
	"testing"

	"callcenter/api"
	"callcenter/audio/sendq"
)

// openingStream keeps the chunk that opens a call.
type openingStream struct {
	sinkStream
	opening *api.AudioChunk
}

func (s *openingStream) Send(c *api.AudioChunk) error {
	s.opening = c
	return nil
}

func TestTheWishForEveryWordTravelsAndIsKept(t *testing.T) {
	for _, tt := range []struct {
		complete bool
		wish     api.Playout
		waiting  int
	}{
		{false, api.Playout_PLAYOUT_LIVE, sendq.Capacity},
		{true, api.Playout_PLAYOUT_COMPLETE, 250},
	} {
		cfg := newTestCall(t).cfg
		cfg.Complete = tt.complete
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		stream := &openingStream{}
		if err := newCarrier(c, 1, "test", nil).open(stream); err != nil {
			t.Fatal(err)
		}
		if got := stream.opening.GetSetup().GetPlayout(); got != tt.wish {
			t.Errorf("complete %v: the setup says %v", tt.complete, got)
		}
		for range 250 { // 5 s
			c.queue.Push(sendq.Frame{Samples: 960})
		}
		if got := c.queue.Stats().Waiting; got != tt.waiting {
			t.Errorf("complete %v: %d frames wait, want %d", tt.complete, got, tt.waiting)
		}
	}
}
