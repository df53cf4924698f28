package callcenter_test

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/server/servertest"
)

// ear keeps what a caller is told.
type ear struct {
	mu     sync.Mutex
	events []*api.Event
	levels []*api.Levels
	pcm    []int16 // as it came, mono
}

func (e *ear) listen(c *client) {
	for {
		chunk, err := c.stream.Recv()
		if err != nil {
			return
		}
		c.link.Received(chunk, c.clock())
		e.mu.Lock()
		if chunk.Event != nil {
			e.events = append(e.events, chunk.Event)
		}
		if chunk.Levels != nil {
			e.levels = append(e.levels, chunk.Levels)
		}
		for b := chunk.AudioData; len(b) > 1; b = b[2:] {
			e.pcm = append(e.pcm, int16(binary.LittleEndian.Uint16(b)))
		}
		e.mu.Unlock()
	}
}

// take returns what was told and forgets it.
func (e *ear) take() (events []*api.Event, levels []*api.Levels) {
	e.mu.Lock()
	defer e.mu.Unlock()
	events, levels = e.events, e.levels
	e.events, e.levels = nil, nil
	return events, levels
}

// TestARoomTellsWhoSpeaksHowLoudAndWhoIsMuted, of two and of three.
func TestARoomTellsWhoSpeaksHowLoudAndWhoIsMuted(t *testing.T) {
	for _, others := range []int{1, 2} {
		inBubble(t, servertest.Options{}, func(b *bubble) {
			anna, _ := b.call(first("anna", "room/x"))
			ears := make([]*ear, others)
			for i := range ears {
				cl, _ := b.call(first(name(i), "room/x"))
				ears[i] = &ear{}
				go ears[i].listen(cl)
			}
			go new(ear).listen(anna)
			b.pass(100 * time.Millisecond)
			for range 100 { // 2 s of talk
				anna.seq++
				anna.send(&api.AudioChunk{
					AudioData: sine(300, int(anna.seq-1)*960, 960, 48000), Sequence: anna.seq, Epoch: 1,
					MediaTime: 1 + 960*(anna.seq-1), Marks: wire.LevelMarks(18, true),
				})
				b.pass(20 * time.Millisecond)
			}
			for range 5 { // a second of a muted microphone
				anna.seq++
				anna.send(&api.AudioChunk{
					Sequence: anna.seq, Epoch: 1, MediaTime: 1 + 960*(anna.seq-1),
					Marks: wire.LevelMarks(127, false) | wire.MarkDTX | wire.MarkMuted,
				})
				anna.seq += 9
				b.pass(200 * time.Millisecond)
			}
			if err := anna.stream.CloseSend(); err != nil {
				b.Fatal(err)
			}
			b.pass(100 * time.Millisecond)
			for i, e := range ears {
				e.check(b, i)
			}
		})
	}
}

func (e *ear) check(b *bubble, i int) {
	b.Helper()
	events, levels := e.take()
	id := ""
	var of []api.Event_Kind
	for _, ev := range events {
		if ev.Participant.GetDisplayName() == "caller anna" {
			of = append(of, ev.Kind)
			id = ev.Participant.Id
		}
	}
	want := []api.Event_Kind{
		api.Event_KIND_JOINED, api.Event_KIND_SPEAKING, api.Event_KIND_MUTE,
		api.Event_KIND_SILENT, api.Event_KIND_LEFT,
	}
	if len(of) != len(want) {
		b.Fatalf("listener %d is told %v of the speaker, want %v", i, of, want)
	}
	for k := range want {
		if of[k] != want[k] {
			b.Fatalf("listener %d is told %v of the speaker, want %v", i, of, want)
		}
	}
	if len(levels) < 10 || len(levels) > 15 {
		b.Errorf("listener %d got levels %d times in 2.3 s", i, len(levels))
	}
	for k, l := range levels {
		last := k == len(levels)-1
		if last != (len(l.Speakers) == 0) {
			b.Errorf("levels %d of %d are %v", k, len(levels), l)
		}
		if k < 8 && (len(l.Speakers) != 1 || l.Speakers[0].Id != id || l.Speakers[0].Level != 18) {
			b.Errorf("levels %d are %v, want those of %s at 18", k, l, id)
		}
	}
}

func TestOnlyACallThatIsNewToTheServerIsAnsweredAsNew(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	answer := func(c *api.AudioChunk) (cl *client, isNew bool, token string) {
		cl = dial(t, s)
		cl.send(c)
		e := cl.recvEvent()
		if e.Kind != api.Event_KIND_ANSWERED {
			t.Fatalf("told %v, want an answer", e)
		}
		if c.Setup.ResumeToken != "" {
			token = cl.recvEvent().GetResumeToken()
		}
		return cl, e.NewCall, token
	}
	if _, isNew, _ := answer(first("tokenless", "echo")); !isNew {
		t.Error("a call without a token is not answered as new")
	}
	opening := resumable("a", "echo")
	cl, isNew, token := answer(opening)
	if !isNew {
		t.Error("the first stream is not answered as new")
	}
	cl.prove()
	_, isNew, token = answer(with(opening, token))
	if isNew {
		t.Error("a stream that resumes the call is answered as new")
	}
	s.Kill()
	s = servertest.Start(t, servertest.Options{})
	if cl, isNew, _ = answer(with(opening, token)); !isNew {
		t.Error("the call that a restarted server opens anew is not answered as new")
	}
	cl.hangUp()
}
