package swarm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/softphone/internal/call"
)

const (
	reportInterval = time.Second
	// dtxInterval is how often announced silence says that it goes on.
	dtxInterval = 200 * time.Millisecond
	// mostUnacknowledged is how many frames leave before the server has
	// acknowledged any: a queue has no window until then, and this many of pcm fit
	// into what gRPC takes without blocking, 64 KiB.
	mostUnacknowledged = 25
)

// errEnded means that the server ended a call with status OK.
var errEnded = errors.New("the server ended the call")

type callStream = grpc.BidiStreamingClient[api.AudioChunk, api.AudioChunk]

// room is what the calls of one room share.
type room struct {
	talking atomic.Int32 // talkers whose calls are held
	voices  []*leg       // whose frames may be heard there as they were said
}

// leg is one call. Its receive goroutine and the wheel share it: the queue, the
// link and the atomics are for both.
type leg struct {
	swarm       *swarm
	number      int
	destination string
	room        *room
	phase       time.Duration // of its turns in the frame
	score       *score        // nil: it announces silence
	tone        int           // that it says in a room, or -1

	queue *sendq.Queue
	link  *wire.Link

	hangUp   atomic.Bool
	held     atomic.Bool // answered, and not over
	over     atomic.Bool
	received atomic.Uint64 // frames with audio
	sent     atomic.Uint64
	// concealed is how many samples of ours the server's buffer made up.
	concealed atomic.Uint64

	// Of the wheel, once the call has joined it.
	stream   callStream
	chunk    api.AudioChunk
	frame    sendq.Frame
	report   api.Report
	reported time.Duration
	first    bool // nothing was said yet
	closed   bool

	ledger ledger // of the receive goroutine
}

// newLeg returns the call number i. Calls go to the rooms in turn, and the first
// of each room talk.
func newLeg(s *swarm, i int, scores *scores) (*leg, error) {
	cfg := &s.cfg
	l := &leg{
		swarm: s, number: i, destination: cfg.Destination, tone: -1, first: true,
		room: s.rooms[i%cfg.Rooms], phase: s.wheel.phase(i),
		queue: sendq.New(),
	}
	l.ledger = ledger{leg: l, packets: wire.NewPackets(format(cfg))}
	if cfg.echo() {
		l.score = scores.talkers[i%len(scores.talkers)]
		return l, nil
	}
	number, place := i%cfg.Rooms, i/cfg.Rooms
	members := (cfg.Calls-number-1)/cfg.Rooms + 1
	if cfg.Rooms > 1 {
		l.destination += fmt.Sprintf("-%d", number+1)
	}
	l.score = scores.quiet
	if place < cfg.Talkers {
		l.tone = toneOf(number, place)
		l.score = scores.talkers[l.tone]
	}
	if l.score != nil && (place < cfg.Talkers || members == 2) {
		l.room.voices = append(l.room.voices, l)
	}
	if number < maxEars/2 && (place == 0 || place == members-1) {
		var err error
		l.ledger.ear, err = newEar(s, l.tone, number, scores)
		return l, err
	}
	return l, nil
}

// slot is the frame of the call's schedule that begins at a media time, and false
// if none does.
func (l *leg) slot(media int64) (int64, bool) {
	frame := int64(l.swarm.cfg.Options.FrameSamples)
	return media / frame, media >= 0 && media%frame == 0
}

// due is when the frame of a slot was to be sent.
func (l *leg) due(slot int64) time.Duration {
	return l.swarm.base + l.phase + time.Duration(slot)*l.swarm.cfg.frame()
}

// toneOf is the tone of a talker: rooms differ in what is said in them, as far
// as there are tones.
func toneOf(room, talker int) int { return (room + talker) % len(tones) }

func format(cfg *Config) codec.Format {
	return codec.Format{Codec: cfg.Codec.Name(), Rate: audio.Rate, Channels: 1}
}

// live is the call, from dialing to its end.
func (l *leg) live(ctx context.Context, conn call.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := l.carry(ctx, conn)
	l.over.Store(true)
	held := l.held.Swap(false)
	t := &l.swarm.tally
	switch {
	case held && l.tone >= 0:
		l.room.talking.Add(-1)
	case !held:
		t.dialing.Add(-1)
	}
	if l.hangUp.Load() && (held || err == nil) {
		if err != nil {
			t.fail("call %d did not end in order: %v", l.number, err)
		}
		return
	}
	t.ended(err, held)
}

func (l *leg) carry(ctx context.Context, conn call.Conn) error {
	stream, err := api.NewCallCenterClient(conn).LiveCall(ctx)
	if err != nil {
		return err
	}
	l.stream = stream
	l.link = wire.NewLink(l.swarm.clock())
	l.reported = l.swarm.clock()
	if err := l.open(); err == nil { // else the receive side says why
		l.swarm.wheel.join(l.number, l)
	}
	chunk := &api.AudioChunk{}
	for {
		if err := stream.RecvMsg(chunk); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
				if !l.hangUp.Load() {
					err = errEnded
				}
			}
			return err
		}
		l.take(chunk, l.swarm.clock())
	}
}

// open sends the first chunk.
func (l *leg) open() error {
	cfg := &l.swarm.cfg
	chunk := &api.AudioChunk{
		CallId: rand.Text(), SampleRate: audio.Rate, Channels: 1, Codec: cfg.Codec.Name(),
		Setup: &api.Setup{
			Destination: l.destination,
			DisplayName: fmt.Sprintf("swarm %d", l.number+1),
			Codecs:      []string{cfg.Codec.Name()},
			FrameMs:     []uint32{uint32(cfg.frame() / time.Millisecond)},
			Playout:     api.Playout_PLAYOUT_LIVE,
			ResumeToken: rand.Text(),
		},
	}
	l.link.Stamp(chunk, l.swarm.clock())
	return l.stream.Send(chunk)
}

// turn implements turner: what a phone does with one frame of its microphone.
// Send does not block: the window of the queue, or mostUnacknowledged, keeps less
// on its way than gRPC takes.
func (l *leg) turn(slot int64, at time.Duration) {
	switch {
	case l.closed || l.over.Load():
		return
	case l.hangUp.Load():
		l.closed = true
		_ = l.stream.CloseSend() // the receive side learns what became of it
		return
	case !l.held.Load():
		return // nobody has answered
	}
	l.say(slot, at)
	now, sent := l.swarm.clock(), false
	for l.mayPop() && l.queue.Pop(&l.frame, now) {
		l.send(&l.frame, now)
		sent = true
	}
	// Asked once a frame, so rather early than late.
	if !sent && l.link.Due(now) < l.swarm.cfg.frame()/2 {
		l.send(nil, now)
	}
}

func (l *leg) mayPop() bool {
	return l.link.PeerAck() > 0 || l.sent.Load() < mostUnacknowledged
}

// say puts the frame of a slot into the queue, or silence.
func (l *leg) say(slot int64, at time.Duration) {
	frame := l.swarm.cfg.Options.FrameSamples
	f := sendq.Frame{Epoch: 1, Media: uint64(slot)*uint64(frame) + 1, Made: at}
	switch {
	case l.score != nil:
		f.Samples, f.Data, f.Marks = frame, l.score.packet(slot), l.score.mark(slot)
		if l.first {
			f.Marks |= wire.MarkTalk
		}
	case l.first || slot%int64(dtxInterval/l.swarm.cfg.frame()) == 0:
		f.Marks = wire.LevelMarks(127, false) | wire.MarkDTX
	default:
		l.queue.Skip()
		return
	}
	l.first = false
	l.queue.Push(f)
}

// send sends a frame, or without one the chunk that keeps the call alive.
func (l *leg) send(f *sendq.Frame, now time.Duration) {
	c := &l.chunk
	c.AudioData, c.Sequence, c.DroppedBefore, c.Epoch, c.MediaTime, c.Marks = nil, 0, 0, 0, 0, 0
	if f != nil {
		c.AudioData, c.Sequence, c.DroppedBefore = f.Data, f.Sequence, f.DroppedBefore
		c.Epoch, c.MediaTime, c.Marks = f.Epoch, f.Media, f.Marks
		if len(f.Data) > 0 {
			l.sent.Add(1)
		}
	}
	if now-l.reported >= reportInterval {
		l.reported = now
		l.report.PacketsReceived = l.received.Load()
		q := l.queue.Stats()
		l.report.PacketsDropped = q.DroppedAge + q.DroppedFull
		c.Report = &l.report
	}
	l.link.Stamp(c, l.swarm.clock())
	if l.stream.Send(c) != nil {
		l.closed = true // the receive side learns why
	}
	c.Report = nil
}

// take is one chunk from the server.
func (l *leg) take(c *api.AudioChunk, now time.Duration) {
	l.link.Received(c, now)
	l.queue.Ack(l.link.PeerAck())
	if r := c.GetReport(); r != nil {
		rtt, _ := l.link.RTT()
		target := time.Duration(r.GetBufferTargetUs()) * time.Microsecond
		l.queue.SetPeer(rtt, target)
		l.concealed.Store(r.GetConcealedSamples())
		if target > 0 && l.swarm.tally.measuring.Load() {
			l.swarm.tally.targets.add(target)
		}
	}
	if e := c.GetEvent(); e.GetKind() == api.Event_KIND_ANSWERED && !l.held.Load() {
		if l.tone >= 0 {
			l.room.talking.Add(1)
		}
		l.held.Store(true)
		l.swarm.tally.dialing.Add(-1)
	}
	if len(c.GetAudioData()) > 0 {
		l.received.Add(1)
	}
	l.ledger.enter(c, now)
}
