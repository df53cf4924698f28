package callcenter_test

import (
	"testing"
	"time"

	"callcenter/api"
	"callcenter/server/servertest"
)

// TestAListenerWhoWantsEveryWordGetsItAfterAStall stops receiving for two
// seconds: longer than a live listener's frames are kept, shorter than the five
// seconds of a complete one.
func TestAListenerWhoWantsEveryWordGetsItAfterAStall(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	for _, wish := range []api.Playout{api.Playout_PLAYOUT_LIVE, api.Playout_PLAYOUT_COMPLETE} {
		t.Run(wish.String(), func(t *testing.T) {
			t.Parallel()
			opening := first(wish.String(), "tone")
			opening.Setup.Playout = wish
			c := call(t, s, opening)
			heard, dropped := 0, 0
			hear := func(frames int) (media uint64) {
				for range frames {
					chunk := c.recvAudio()
					heard++
					dropped += int(chunk.GetDroppedBefore())
					media = chunk.GetMediaTime()
					c.send(&api.AudioChunk{}) // acknowledges it
				}
				return media
			}
			before := hear(20)
			idle := time.NewTimer(2 * time.Second)
			<-idle.C
			for hear(1)-before < 3*48000 { // a second past the stall
			}
			t.Logf("%d frames came, %d were dropped", heard, dropped)
			if complete := wish == api.Playout_PLAYOUT_COMPLETE; complete != (dropped == 0) {
				t.Errorf("%d of %d frames were dropped", dropped, heard+dropped)
			}
		})
	}
}
