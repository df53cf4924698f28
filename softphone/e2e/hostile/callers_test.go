package hostile

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/tone"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/softphone/internal/call"
)

const (
	frame        = 20 * time.Millisecond
	frameSamples = 960
	// loudVoice is what hostile callers say of their level: they have the floor.
	loudVoice = 20
	// hostileHz is what they say, far from the tones of a swarm.
	hostileHz = 7000
)

// bytesOf is pcm as it goes over the wire.
func bytesOf(pcm []int16) []byte {
	data := make([]byte, 0, 2*len(pcm))
	for _, v := range pcm {
		data = binary.LittleEndian.AppendUint16(data, uint16(v))
	}
	return data
}

// kind is one way to be hostile.
type kind struct {
	name string
	// run goes on until ctx ends; an error is that it could not be hostile.
	run func(c *caller, ctx context.Context) error
	// least is how often a second it is at it, as the caller counts.
	least float64
}

// behaves is the kind that is not hostile.
func behaves() kind { return kind{"behaves", (*caller).behave, 10} }

func kinds() []kind {
	return []kind{
		{"stalls", (*caller).stall, 0.2},
		{"floods", (*caller).flood, 300},
		{"sends garbage", (*caller).garble, 10},
		{"leaves", (*caller).leave, 0.5},
	}
}

// caller is one hostile caller. One goroutine uses it, and those that it waits
// for.
type caller struct {
	site
	destination  string
	packets, pcm [][]byte // a second of what it says, in Opus and in PCM
	random       *mathrand.Rand
	clock        audio.Clock

	did atomic.Uint64 // stalls, messages, returns
}

func newCaller(tb testing.TB, where site, destination string, seed uint64) *caller {
	tb.Helper()
	c := &caller{site: where, destination: destination, random: mathrand.New(mathrand.NewPCG(seed, 1)), clock: audio.NewClock()}
	format := codec.Format{Codec: "opus", Rate: audio.Rate, Channels: 1}
	enc, err := opus.Codec{}.NewEncoder(format, codec.Options{FrameSamples: frameSamples, Bitrate: 32000, Complexity: 5})
	if err != nil {
		tb.Fatal(err)
	}
	source, err := tone.New(hostileHz, -20)
	if err != nil {
		tb.Fatal(err)
	}
	pcm, packet := make([]int16, frameSamples), make([]byte, codec.MaxPacket)
	for range time.Second / frame {
		source.Fill(pcm)
		c.pcm = append(c.pcm, bytesOf(pcm))
		n, err := enc.Encode(packet, pcm)
		if err != nil {
			tb.Fatal(err)
		}
		c.packets = append(c.packets, append([]byte{}, packet[:n]...))
	}
	return c
}

// beside lets callers of a kind be at it while work runs, once begin is closed, and
// fails the test if they could not.
func beside(tb testing.TB, k kind, begin <-chan struct{}, callers []*caller, work func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	errs, took := make([]error, len(callers)), make([]time.Duration, len(callers))
	for i, c := range callers {
		all.Go(func() {
			select {
			case <-begin:
			case <-ctx.Done():
			}
			began := time.Now()
			errs[i] = k.run(c, ctx)
			took[i] = time.Since(began)
		})
	}
	work()
	cancel()
	all.Wait()
	for i, c := range callers {
		if n := float64(c.did.Load()); errs[i] != nil || n == 0 || n < k.least*took[i].Seconds() {
			tb.Errorf("the caller of %s that %s did so %.0f times in %v: %v", c.destination, k.name, n, took[i], errs[i])
		}
	}
}

// line is a call of a hostile caller.
type line struct {
	c      *caller
	conn   call.Conn
	cancel context.CancelFunc
	stream grpc.BidiStreamingClient[api.AudioChunk, api.AudioChunk]
	link   *wire.Link
	chunk  api.AudioChunk
	slot   uint64
	token  string // the newest; of who reads
}

// identity is a call's id and the token to come back with.
type identity struct{ id, token string }

func newIdentity() identity { return identity{rand.Text(), rand.Text()} }

// dial opens a call and waits for its answer.
func (c *caller) dial(ctx context.Context, codec string, who identity) (*line, error) {
	conn, err := c.connect(c.address)
	if err != nil {
		return nil, err
	}
	l := &line{c: c, conn: conn, link: wire.NewLink(c.clock()), token: who.token}
	ctx, l.cancel = context.WithCancel(ctx)
	if l.stream, err = api.NewCallCenterClient(conn).LiveCall(ctx); err != nil {
		l.close()
		return nil, err
	}
	err = l.stream.Send(&api.AudioChunk{
		CallId: who.id, SampleRate: audio.Rate, Channels: 1, Codec: codec,
		SentAt: 1, Setup: &api.Setup{Destination: c.destination, DisplayName: "hostile", Codecs: []string{codec}, ResumeToken: who.token},
	})
	for answered := false; err == nil && !answered; {
		var in *api.AudioChunk
		if in, err = l.stream.Recv(); err == nil {
			l.take(in)
			answered = in.GetEvent().GetKind() == api.Event_KIND_ANSWERED
		}
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("a hostile call to %s: %w", c.destination, err)
	}
	return l, nil
}

// close cuts the connection.
func (l *line) close() {
	_ = l.conn.Close() // sockets first, without a word
	l.cancel()
}

// say sends the next frame as a right caller would.
func (l *line) say(data []byte) error {
	l.slot++
	l.chunk.Reset()
	l.chunk.AudioData, l.chunk.Sequence, l.chunk.Epoch = data, l.slot, 1
	l.chunk.MediaTime = (l.slot-1)*frameSamples + 1
	l.chunk.Marks = wire.LevelMarks(loudVoice, true)
	l.link.Stamp(&l.chunk, l.c.clock())
	return l.stream.Send(&l.chunk)
}

// packet is what the next frame says.
func (l *line) packet() []byte { return l.c.packets[l.slot%uint64(len(l.c.packets))] }

// take is what a caller does with a chunk, however hostile.
func (l *line) take(in *api.AudioChunk) {
	l.link.Received(in, l.c.clock())
	if token := in.GetEvent().GetResumeToken(); token != "" {
		l.token = token
	}
}

// drain reads until the call ends.
func (l *line) drain() {
	in := &api.AudioChunk{}
	for l.stream.RecvMsg(in) == nil {
		l.take(in)
	}
}

// behave is right in everything: what the others are beside it is what they are
// compared with.
func (c *caller) behave(ctx context.Context) error { return c.talk(ctx, frame) }

// flood sends a thousand frames a second. Where the server ends the call, it calls
// again.
func (c *caller) flood(ctx context.Context) error {
	for {
		if err := c.talk(ctx, time.Millisecond); !errors.Is(err, io.EOF) {
			return err
		}
	}
}

// talk says a frame each interval, and reads what comes.
func (c *caller) talk(ctx context.Context, interval time.Duration) error {
	l, err := c.dial(ctx, "opus", newIdentity())
	if err != nil {
		return err
	}
	var reading sync.WaitGroup
	defer reading.Wait()
	defer l.close()
	reading.Go(l.drain)
	return at(ctx, interval, func() error {
		c.did.Add(1)
		return l.say(l.packet())
	})
}

// stall talks in 20 ms of PCM, of which two seconds fill what transports hold, and
// reads for half a second between stalls.
func (c *caller) stall(ctx context.Context) error {
	l, err := c.dial(ctx, "pcm", newIdentity())
	if err != nil {
		return err
	}
	var reading sync.WaitGroup
	defer reading.Wait()
	defer l.close()
	const stalled, awake = 2 * time.Second, 500 * time.Millisecond
	reading.Go(func() {
		in := &api.AudioChunk{}
		for next := time.Now(); l.stream.RecvMsg(in) == nil; {
			l.take(in)
			if time.Now().Before(next) {
				continue
			}
			c.did.Add(1)
			select {
			case <-ctx.Done():
			case <-time.NewTimer(stalled).C:
			}
			next = time.Now().Add(awake)
		}
	})
	return at(ctx, frame, func() error { return l.say(c.pcm[l.slot%uint64(len(c.pcm))]) })
}

// garble sends what no client sends. Where the server ends the call, it calls
// again.
func (c *caller) garble(ctx context.Context) error {
	for n := 0; ctx.Err() == nil; n++ {
		codec := []string{"opus", "pcm"}[n%2]
		l, err := c.dial(ctx, codec, newIdentity())
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // it was told to end
			}
			return err
		}
		var reading sync.WaitGroup
		reading.Go(l.drain)
		some, cancel := context.WithTimeout(ctx, time.Second)
		_ = at(some, frame/2, func() error { // the server may well end it
			c.did.Add(1)
			return l.stream.Send(c.garbage(l))
		})
		cancel()
		l.close()
		reading.Wait()
	}
	return nil
}

// garbage is a chunk of which any part may be absurd.
func (c *caller) garbage(l *line) *api.AudioChunk {
	r := c.random
	number := func(right uint64) uint64 {
		switch r.IntN(6) {
		case 0:
			return r.Uint64()
		case 1:
			return right - uint64(r.IntN(5))
		case 2:
			return 1<<64 - 1
		case 3:
			return 0
		}
		return right
	}
	l.slot++
	chunk := &api.AudioChunk{
		Sequence: number(l.slot), MediaTime: number(l.slot*frameSamples + 1), Ack: number(l.slot),
		SentAt: number(uint64(c.clock() / time.Microsecond)), EchoSentAt: number(1), EchoHeld: uint32(number(0)),
		Epoch: uint32(number(1)), DroppedBefore: uint32(number(0)), ServerTime: uint32(number(0)),
		Marks: r.Uint32() & (wire.MarkLevelMask | wire.MarkLevelValid | wire.MarkVoice | wire.MarkDTX | wire.MarkTalk | wire.MarkMuted),
	}
	switch r.IntN(4) {
	case 0:
		chunk.AudioData = append([]byte{}, l.packet()...)
		chunk.AudioData[r.IntN(len(chunk.AudioData))] ^= byte(1 + r.IntN(255))
	case 1:
		chunk.AudioData = l.packet()[:1+r.IntN(20)]
	default:
		chunk.AudioData = make([]byte, 1+r.IntN(400))
		for i := range chunk.AudioData {
			chunk.AudioData[i] = byte(r.Uint32())
		}
	}
	if r.IntN(10) == 0 {
		chunk.Report = &api.Report{
			PacketsReceived: r.Uint64(), ConcealedSamples: r.Uint64(), BufferTargetUs: r.Uint32(), JitterUs: r.Uint32(),
			JitterBufferDelay: -1e300, ClockDriftPpm: 1e300, MosEst: -1,
		}
	}
	return chunk
}

// leave talks for a third of a second, is gone in the middle of a word, and comes
// back: hung up, cancelled and cut off in turn, and every other time as the same
// call, with its token.
func (c *caller) leave(ctx context.Context) error {
	who := newIdentity()
	for n := 0; ctx.Err() == nil; n++ {
		l, err := c.dial(ctx, "opus", who)
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // it was told to end
			}
			return err
		}
		c.did.Add(1)
		var reading sync.WaitGroup
		reading.Go(l.drain)
		word, cancel := context.WithTimeout(ctx, 330*time.Millisecond)
		err = at(word, frame, func() error { return l.say(l.packet()) })
		cancel()
		comesBack := false
		switch n % 4 {
		case 0:
			_ = l.stream.CloseSend() // and it waits for the server's word
			reading.Wait()
		case 1:
			l.cancel()
			reading.Wait()
		default:
			comesBack = n%4 == 2
		}
		l.close()
		reading.Wait()
		if err != nil {
			return err
		}
		if who.token = l.token; !comesBack {
			who = newIdentity()
		}
	}
	return nil
}
