//go:build linux && !race

package capacity

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/mix"
	"callcenter/audio/playout"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
)

const (
	// frameSamples is a tick and a frame of the naive server, 20 ms, and
	// complexity that of its encoders, as the product's.
	frameSamples = 2 * audio.PeriodSamples
	complexity   = 5
	// waiting is how many frames wait for a member that is slow to take them.
	waiting = 25
)

// naive is a conference server as most are: one goroutine for each room decodes
// everyone once a frame, adds them up and encodes for each the sum without their
// own voice, silent or not. It has this product's jitter buffer, mixer, codec and
// gRPC, and allocates nothing for a frame either: what it lacks is the tricks.
type naive struct {
	api.UnimplementedCallCenterServer
	codecs codec.Registry
	clock  audio.Clock

	mu    sync.Mutex
	rooms map[string]*naiveRoom
}

func newNaive() *naive {
	return &naive{codecs: codec.NewRegistry(opus.Codec{}, pcm.Codec{}), clock: audio.NewClock(), rooms: make(map[string]*naiveRoom)}
}

// LiveCall implements api.CallCenterServer.
func (n *naive) LiveCall(stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	chunk, err := stream.Recv()
	if err != nil {
		return ended(err)
	}
	o, err := wire.Open(chunk)
	if err != nil {
		return err
	}
	m, err := n.newMember(o.Format)
	if err != nil {
		return err
	}
	m.link.Received(chunk, n.clock())
	if err := stream.Send(answer()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(stream.Context())
	var sending sync.WaitGroup
	defer sending.Wait()
	defer cancel()
	sending.Go(func() { m.send(ctx, stream, n.clock) })
	n.join(o.Destination, m)
	defer n.leave(o.Destination, m)
	for {
		if err := stream.RecvMsg(chunk); err != nil {
			return ended(err)
		}
		now := n.clock()
		m.link.Received(chunk, now)
		if p, ok := m.packets.Read(chunk); ok {
			m.play.Push(p, now)
		}
	}
}

func (n *naive) join(name string, m *naiveMember) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.rooms[name]
	if r == nil {
		r = &naiveRoom{quit: make(chan struct{}), sum: mix.NewSum(frameSamples), clock: n.clock}
		n.rooms[name] = r
		r.running.Go(r.run)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = append(slices.Clone(r.members), m)
}

func (n *naive) leave(name string, m *naiveMember) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.rooms[name]
	r.mu.Lock()
	r.members = slices.DeleteFunc(slices.Clone(r.members), func(other *naiveMember) bool { return other == m })
	empty := len(r.members) == 0
	r.mu.Unlock()
	if empty {
		delete(n.rooms, name)
		close(r.quit)
		r.running.Wait()
	}
}

// naiveMember is one call.
type naiveMember struct {
	link    *wire.Link
	packets *wire.Packets
	play    *playout.Playout

	// Of the room's goroutine.
	enc     codec.Encoder
	limiter mix.Limiter
	said    [frameSamples]int16
	heard   [frameSamples]int16
	frames  uint64

	ready chan *naiveFrame // to send
	spare chan *naiveFrame
}

type naiveFrame struct {
	number uint64 // from 1
	size   int
	data   [codec.MaxPacket]byte
}

func (n *naive) newMember(f codec.Format) (*naiveMember, error) {
	c, err := n.codecs.Lookup(f.Codec)
	if err != nil {
		return nil, err
	}
	dec, err := c.NewDecoder(f)
	if err != nil {
		return nil, err
	}
	enc, err := c.NewEncoder(f, codec.Options{Complexity: complexity, FrameSamples: frameSamples})
	if err != nil {
		return nil, err
	}
	m := &naiveMember{
		link: wire.NewLink(n.clock()), packets: wire.NewPackets(f), play: playout.New(playout.Config{Decoder: dec}), enc: enc,
		ready: make(chan *naiveFrame, waiting), spare: make(chan *naiveFrame, waiting),
	}
	for range waiting {
		m.spare <- &naiveFrame{}
	}
	return m, nil
}

// send sends what the room made until ctx ends.
func (m *naiveMember) send(ctx context.Context, stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk], clock audio.Clock) {
	chunk, last := &api.AudioChunk{Epoch: 1}, uint64(0)
	for {
		select {
		case f := <-m.ready:
			chunk.AudioData, chunk.Sequence = f.data[:f.size], f.number
			chunk.MediaTime = (f.number-1)*frameSamples + 1
			chunk.DroppedBefore = uint32(f.number - last - 1)
			last = f.number
			m.link.Stamp(chunk, clock())
			err := stream.Send(chunk)
			m.spare <- f
			if err != nil {
				return // the receive side learns why
			}
		case <-ctx.Done():
			return
		}
	}
}

// naiveRoom mixes its members.
type naiveRoom struct {
	mu      sync.Mutex
	members []*naiveMember // replaced, never changed in place

	quit    chan struct{}
	running sync.WaitGroup
	clock   audio.Clock
	sum     *mix.Sum
}

// run ticks once a frame, at absolute deadlines.
func (r *naiveRoom) run() {
	period := audio.Duration(frameSamples)
	timer := time.NewTimer(period)
	defer timer.Stop()
	for next := r.clock() + period; ; next += period {
		timer.Reset(max(0, next-r.clock()))
		select {
		case <-timer.C:
		case <-r.quit:
			return
		}
		r.mu.Lock()
		members := r.members
		r.mu.Unlock()
		r.tick(members, next)
	}
}

// tick makes the frame that begins at the time at.
func (r *naiveRoom) tick(members []*naiveMember, at time.Duration) {
	r.sum.Reset()
	for _, m := range members {
		m.play.Pull(m.said[:audio.PeriodSamples], at)
		m.play.Pull(m.said[audio.PeriodSamples:], at+audio.Period)
		r.sum.Add(m.said[:])
	}
	for _, m := range members {
		r.sum.Minus(m.heard[:], m.said[:], &m.limiter)
		m.frames++
		select {
		case f := <-m.spare:
			size, err := m.enc.Encode(f.data[:], m.heard[:])
			if err != nil {
				m.spare <- f
				continue
			}
			f.number, f.size = m.frames, size
			m.ready <- f // as many fit as there are
		default: // the member is slow
		}
	}
}
