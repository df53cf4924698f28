package callcenter

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/server/internal/room"
)

// open returns an open call's stream, without its loops and with nothing to say, and
// what it sends.
func open(t *testing.T, opening *api.AudioChunk) (*stream, *[]*api.AudioChunk) {
	t.Helper()
	var sent []*api.AudioChunk
	st, err := openCall(New(testConfig()), &fakeStream{
		ctx:  context.Background(),
		sent: func(o *api.AudioChunk) { sent = append(sent, proto.CloneOf(o)) },
	}, opening)
	if err != nil {
		t.Fatal(err)
	}
	for st.call.events.take(0) != nil { // the answer
	}
	return st, &sent
}

func levelsOf(speakers ...string) *room.Levels {
	l := &room.Levels{}
	for i, s := range speakers {
		l.Speakers = append(l.Speakers, room.SpeakerLevel{Participant: s, DBov: uint8(20 + i)})
	}
	return l
}

func (st *stream) next(t *testing.T) {
	t.Helper()
	if ok, err := st.sendNext(false); !ok || err != nil {
		t.Fatal("nothing left: ", err)
	}
}

func TestLevelsLeaveWithTheNextChunkAndTheNewestOnly(t *testing.T) {
	st, sent := open(t, extendedOpening("echo"))
	d := (*downlink)(st.call)
	for _, l := range []*room.Levels{levelsOf("1"), levelsOf("2", "3")} {
		d.Levels(l)
	}
	d.Event(room.Event{Kind: room.Speaking, Participant: "2"})
	d.Event(room.Event{Kind: room.Muted, Participant: "3"})
	d.Send(sendq.Frame{Data: []byte{1, 2}})
	d.Send(sendq.Frame{Data: []byte{1, 2}})
	for range 4 {
		st.next(t)
	}
	for i, c := range *sent {
		if (c.Levels != nil) != (i == 2) {
			t.Errorf("chunk %d is %v", i, c)
		}
	}
	if got := (*sent)[1].Event.GetKind(); got != api.Event_KIND_MUTE {
		t.Errorf("an event is %v", got)
	}
	got := (*sent)[2].Levels.GetSpeakers()
	if len(got) != 2 || got[0].Id != "2" || got[0].Level != 20 || got[1].Id != "3" || got[1].Level != 21 {
		t.Errorf("levels are %v", got)
	}
}

func TestLevelsWaitForAChunkWithoutAReport(t *testing.T) {
	st, sent := open(t, extendedOpening("echo"))
	(*downlink)(st.call).Levels(levelsOf())
	st.nextReport = st.clock() - time.Second
	for range 2 {
		if err := st.send(nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	with, without := (*sent)[0], (*sent)[1]
	if with.Report == nil || with.Levels != nil || without.Levels == nil || len(without.Levels.Speakers) != 0 {
		t.Errorf("sent %v, then %v", with, without)
	}
}

func TestMembersShareOneMessageOfLevels(t *testing.T) {
	a, _ := open(t, extendedOpening("echo"))
	b, _ := open(t, extendedOpening("echo"))
	l := levelsOf("1")
	(*downlink)(a.call).Levels(l)
	(*downlink)(b.call).Levels(l)
	if m := a.call.levels.Load(); m == nil || m != b.call.levels.Load() {
		t.Error("each has its own")
	}
}

func TestACallerOfFiveFieldsGetsNoLevels(t *testing.T) {
	st, sent := open(t, plainOpening())
	(*downlink)(st.call).Levels(levelsOf("1"))
	(*downlink)(st.call).Send(sendq.Frame{Data: []byte{1, 2}})
	st.next(t)
	if c := (*sent)[0]; c.Levels != nil {
		t.Errorf("sent %v", c)
	}
}

func TestTheLargestChunkWithLevelsFitsTheMessageLimit(t *testing.T) {
	st, sent := open(t, extendedOpening("echo"))
	if err := st.send(nil, nil); err != nil { // the first, which names the call
		t.Fatal(err)
	}
	l := &room.Levels{}
	for range room.MaxLevels {
		l.Speakers = append(l.Speakers, room.SpeakerLevel{Participant: strings.Repeat("9", 6), DBov: 127})
	}
	(*downlink)(st.call).Levels(l)
	st.link.Received(&api.AudioChunk{Sequence: 1 << 40, SentAt: 1 << 50}, 0)
	f := sendq.Frame{
		Sequence: 1 << 40, DroppedBefore: 1000, Epoch: 9, Media: 1 << 48, Marks: 1<<12 - 1,
		Made: -time.Hour, Data: make([]byte, codec.MaxPacket),
	}
	if err := st.send(&f, nil); err != nil {
		t.Fatal(err)
	}
	c := (*sent)[1]
	c.SentAt, c.EchoHeld = 1<<50, 1<<30
	if n := proto.Size(c); n > wire.MaxMessage || len(c.Levels.GetSpeakers()) != room.MaxLevels {
		t.Errorf("%d bytes, levels %v", n, c.Levels)
	}
}

func TestTheLargestReportFitsTheMessageLimit(t *testing.T) {
	st, sent := open(t, extendedOpening("echo"))
	report := &st.report
	for _, data := range []int{codec.MaxPacket, besideReport} {
		st.nextReport = st.clock() - reportInterval // and its grace is over, too
		f := sendq.Frame{
			Sequence: 1 << 40, DroppedBefore: 1000, Epoch: 9, Media: 1 << 48, Marks: 1<<12 - 1,
			Made: -time.Hour, Data: make([]byte, data),
		}
		if err := st.send(&f, nil); err != nil {
			t.Fatal(err)
		}
		c := (*sent)[len(*sent)-1]
		if beside, due := c.Report != nil, st.due(st.clock()) == 0; beside != (data == besideReport) || due == beside {
			t.Errorf("a report beside %d bytes: %v, still due: %v", data, beside, due)
		}
		if c.Report != nil {
			fill(report.ProtoReflect())
			c.Report = report
		}
		if n := proto.Size(c); n > wire.MaxMessage {
			t.Errorf("%d bytes of audio and a report make %d", data, n)
		}
	}
}

// fill gives all fields of a message of numbers what takes the most room.
func fill(m protoreflect.Message) {
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		switch f.Kind() { //nolint:exhaustive // there are no others in a report
		case protoreflect.Uint64Kind:
			m.Set(f, protoreflect.ValueOfUint64(math.MaxUint64))
		case protoreflect.Uint32Kind:
			m.Set(f, protoreflect.ValueOfUint32(math.MaxUint32))
		case protoreflect.DoubleKind:
			m.Set(f, protoreflect.ValueOfFloat64(math.Pi))
		}
	}
}

// A caller who never heard that the call is new must learn it over the next stream,
// because the participants of an earlier server are still on the screen.
func TestTheAnswerSaysThatACallIsNewUntilThatWasHeard(t *testing.T) {
	q := newEventQueue()
	q.keep = true
	q.put(&api.Event{Kind: api.Event_KIND_ANSWERED, NewCall: true})
	q.put(&api.Event{Kind: api.Event_KIND_JOINED})
	take := func(sentAt uint64, want bool) {
		t.Helper()
		e := q.take(0)
		q.sent(e, sentAt)
		if e.Kind != api.Event_KIND_ANSWERED || e.NewCall != want {
			t.Errorf("the answer is %v, new: want %v", e, want)
		}
	}
	again := func() { q.rewind(0, &api.Event{Kind: api.Event_KIND_ANSWERED}) }
	again() // it had not left
	take(100, true)
	again() // it left and was not heard
	take(200, true)
	q.heard(200)
	again()
	take(300, false)
	again()
	take(400, false)
	if e := q.take(0); e.GetKind() != api.Event_KIND_JOINED {
		t.Errorf("then comes %v", e)
	}
}
