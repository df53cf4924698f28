package callcenter_test

import (
	"encoding/binary"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/level"
	"callcenter/server/servertest"
)

// TestLevelControlIsThereOnRequest says something quietly and listens how loud it is.
func TestLevelControlIsThereOnRequest(t *testing.T) {
	quiet := audiotest.Speech(5*audio.Rate, 1)
	for i := range quiet {
		quiet[i] /= 8
	}
	said := level.RMS(quiet)
	for _, on := range []bool{false, true} {
		inBubble(t, servertest.Options{LevelControl: on}, func(b *bubble) {
			talker, _ := b.call(first("a", "room/x"))
			go new(ear).listen(talker)
			listener, _ := b.call(first("b", "room/x"))
			e := &ear{}
			go e.listen(listener)
			for pcm := quiet; len(pcm) > 0; pcm = pcm[960:] {
				var data []byte
				for _, x := range pcm[:960] {
					data = binary.LittleEndian.AppendUint16(data, uint16(x))
				}
				talker.seq++
				talker.send(&api.AudioChunk{
					AudioData: data, Sequence: talker.seq, Epoch: 1, MediaTime: 1 + 960*(talker.seq-1),
					Marks: wire.LevelMarks(level.DBov(pcm[:960]), true),
				})
				b.pass(20 * time.Millisecond)
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			heard := level.RMS(e.pcm[3*audio.Rate:])
			if up := heard - said; on && up < 5 || !on && (up > 1 || up < -1) {
				b.Errorf("level control %v: %.1f dBFS are heard of %.1f", on, heard, said)
			}
		})
	}
}
