package callcenter_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
	"callcenter/audio/playout"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/server/servertest"
)

const (
	// deafness is how long a client does not receive, while it sends on and its
	// connection lives.
	deafness = 30 * time.Second
	// From recovery after that on, nothing may be older than the target and
	// tolerance.
	recovery  = 300 * time.Millisecond
	tolerance = 300 * time.Millisecond
	// hearing is for how long it hears before and after.
	hearing = 2 * time.Second
	// flatHeap is how much more server and clients may hold at the end of the
	// deafness than at its beginning, in bytes: what waits unread in three
	// clients, acknowledgements for the most part.
	flatHeap = 512 << 10
)

var opus48 = codec.Format{Codec: codec.Opus, Rate: audio.Rate, Channels: 1}

// listener is a caller with an ear: a receive loop that can be stopped, a
// playout, and a sender that goes on whatever happens.
type listener struct {
	t      *testing.T
	clock  audio.Clock
	stream grpc.BidiStreamingClient[api.AudioChunk, api.AudioChunk]
	link   *wire.Link
	play   *playout.Playout
	packet []byte // what it says
	loops  sync.WaitGroup
	hangUp chan struct{}

	mu     sync.Mutex
	deaf   chan struct{} // closed when it hears again
	base   time.Duration // least of arrival less media time: how the clocks differ
	based  bool
	played []playedPeriod
}

type playedPeriod struct {
	at, age, target time.Duration
	real            bool
}

// listen opens a call that talks and listens until the end of the test.
func listen(t *testing.T, conn grpc.ClientConnInterface, clock audio.Clock, id, destination string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := api.NewCallCenterClient(conn).LiveCall(ctx)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := opus.Codec{}.NewDecoder(opus48)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := opus.Codec{}.NewEncoder(opus48, codec.Options{FrameSamples: 960, Bitrate: 32000, Complexity: 5})
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, 960)
	for i, b := 0, sine(300, 0, 960, audio.Rate); i < len(pcm); i++ {
		pcm[i] = int16(uint16(b[2*i]) | uint16(b[2*i+1])<<8)
	}
	l := &listener{
		t: t, clock: clock, stream: stream, link: wire.NewLink(clock()),
		play: playout.New(playout.Config{Decoder: dec}), packet: make([]byte, codec.MaxPacket), hangUp: make(chan struct{}),
		played: make([]playedPeriod, 0, (2*hearing+deafness)/audio.Period+audio.Rate), // so that the test's own heap is flat
	}
	n, err := enc.Encode(l.packet, pcm)
	if err != nil {
		t.Fatal(err)
	}
	l.packet = l.packet[:n]
	opening := first(id, destination)
	opening.Codec = codec.Opus
	l.send(opening)
	l.loops.Go(l.hear)
	l.loops.Go(func() { l.every(20*time.Millisecond, l.say()) })
	l.loops.Go(func() { l.every(audio.Period, l.pull()) })
	t.Cleanup(func() {
		close(l.hangUp)
		cancel()
		l.listenAgain()
		l.loops.Wait()
	})
	return l
}

func (l *listener) send(c *api.AudioChunk) {
	l.link.Stamp(c, l.clock())
	_ = l.stream.Send(c) // the receive loop has the status
}

// every calls do on absolute deadlines, late or not.
func (l *listener) every(period time.Duration, do func(now time.Duration)) {
	next := l.clock()
	timer := time.NewTimer(period)
	defer timer.Stop()
	for {
		next += period
		timer.Reset(next - l.clock())
		select {
		case <-l.hangUp:
			return
		case <-timer.C:
		}
		do(l.clock())
	}
}

func (l *listener) say() func(time.Duration) {
	sequence := uint64(0)
	return func(time.Duration) {
		sequence++
		l.send(&api.AudioChunk{AudioData: l.packet, Sequence: sequence, Epoch: 1, MediaTime: 1 + 960*(sequence-1)})
	}
}

// hear receives, unless it is deaf.
func (l *listener) hear() {
	packets := wire.NewPackets(opus48)
	for {
		l.mu.Lock()
		deaf := l.deaf
		l.mu.Unlock()
		if deaf != nil {
			<-deaf
		}
		chunk, err := l.stream.Recv()
		if err != nil {
			return // hung up
		}
		now := l.clock()
		l.link.Received(chunk, now)
		p, ok := packets.Read(chunk)
		if !ok {
			continue
		}
		l.play.Push(p, now)
		l.mu.Lock()
		if offset := now - audio.Duration(int(p.Media)); !l.based || offset < l.base {
			l.base, l.based = offset, true
		}
		l.mu.Unlock()
	}
}

// pull plays, and notes how old that is.
func (l *listener) pull() func(time.Duration) {
	pcm := make([]int16, audio.PeriodSamples)
	return func(now time.Duration) {
		pulled := l.play.Pull(pcm, now)
		target := l.play.Stats().Target
		l.mu.Lock()
		defer l.mu.Unlock()
		l.played = append(l.played, playedPeriod{
			at: now, age: now - audio.Duration(int(pulled.Media)) - l.base, target: target, real: pulled.Media >= 0,
		})
	}
}

func (l *listener) stopListening() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deaf = make(chan struct{})
}

func (l *listener) listenAgain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deaf != nil {
		close(l.deaf)
		l.deaf = nil
	}
}

// goDeaf lets a listener miss 30 s and returns what is wrong afterwards.
func (l *listener) goDeaf(what string) (wrong []string) {
	pass(hearing)
	l.stopListening()
	pass(deafness)
	again := l.clock()
	l.listenAgain()
	pass(hearing)

	l.mu.Lock()
	defer l.mu.Unlock()
	var oldest time.Duration
	heard, pulls := 0, 0
	for _, p := range l.played {
		if p.at < again+recovery || p.at > again+hearing {
			continue
		}
		pulls++
		if !p.real {
			continue
		}
		heard++
		oldest = max(oldest, p.age-p.target)
	}
	s := l.play.Stats()
	l.t.Logf("%s: from %v after 30 s of deafness on, %d of %d periods are real, the oldest is %v above its target; %d frames were dropped and marked",
		what, recovery, heard, pulls, oldest.Round(time.Millisecond), s.PacketsDropped)
	if heard < pulls*9/10 || pulls == 0 {
		wrong = append(wrong, fmt.Sprintf("%s: %d of %d periods are real", what, heard, pulls))
	}
	if oldest > tolerance {
		wrong = append(wrong, fmt.Sprintf("%s: plays what is %v older than its target", what, oldest))
	}
	if s.PacketsDropped < 1000 || s.PacketsLost != 0 {
		wrong = append(wrong, fmt.Sprintf("%s: %d frames were dropped and marked, %d lost", what, s.PacketsDropped, s.PacketsLost))
	}
	return wrong
}

// deafCalls is a call to each destination that misses 30 s. In the room somebody
// else goes on to talk and listen. It returns what is wrong, and by how many
// bytes the heap grew meanwhile.
func deafCalls(t *testing.T, connect func() grpc.ClientConnInterface, clock audio.Clock) (wrong []string, grown int64) {
	t.Helper()
	var mu sync.Mutex
	var calls sync.WaitGroup
	listen(t, connect(), clock, "talker", "room/deaf")
	for _, destination := range []string{"echo", "tone", "room/deaf"} {
		l := listen(t, connect(), clock, "deaf "+destination, destination)
		calls.Go(func() {
			w := l.goDeaf(destination)
			mu.Lock()
			defer mu.Unlock()
			wrong = append(wrong, w...)
		})
	}
	pass(hearing + 2*time.Second)
	heap := heapInUse()
	pass(deafness - 3*time.Second)
	grown = int64(heapInUse()) - int64(heap)
	calls.Wait()
	return wrong, grown
}

// pass lets time go by.
func pass(d time.Duration) { <-time.NewTimer(d).C }

// heapInUse is what the process holds after a collection.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestWhoStopsReceivingIsLiveAgain does so on a clock that jumps from one event to
// the next, so that nothing but the code can be late.
func TestWhoStopsReceivingIsLiveAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := audio.NewClock()
		connect := startInMemory(t, clock)
		wrong, grown := deafCalls(t, connect, clock)
		if len(wrong) > 0 {
			t.Error(strings.Join(wrong, "; "))
		}
		t.Logf("in 27 s of that the heap of server and clients grew by %d KiB", grown>>10)
		if grown > flatHeap {
			t.Errorf("the heap grew by %d KiB, want %d at most", grown>>10, flatHeap>>10)
		}
	})
}

// startInMemory starts a server that a test on a clock of its own can reach, and
// returns what connects to it.
func startInMemory(t *testing.T, clock audio.Clock) func() grpc.ClientConnInterface {
	t.Helper()
	lis := bufconn.Listen(64 << 10)
	servertest.Start(t, servertest.Options{Listener: lis, Clock: clock})
	return connector(t, lis)
}

// connector returns what connects to a server in memory.
func connector(t *testing.T, lis *bufconn.Listener) func() grpc.ClientConnInterface {
	return func() grpc.ClientConnInterface {
		conn, err := grpc.NewClient("passthrough:bufconn",
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }),
			grpc.WithStaticStreamWindowSize(65535), grpc.WithStaticConnWindowSize(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
}

// TestWhoStopsReceivingIsLiveAgainOverTCP is the same in real time and over real
// sockets. A machine that is busy may try again.
func TestWhoStopsReceivingIsLiveAgainOverTCP(t *testing.T) {
	t.Parallel()
	var wrong []string
	for attempt := range 3 {
		done := t.Run(fmt.Sprint("attempt ", attempt+1), func(t *testing.T) {
			s := servertest.Start(t, servertest.Options{})
			wrong, _ = deafCalls(t, func() grpc.ClientConnInterface { return s.Dial(t) }, audio.NewClock())
			for _, w := range wrong {
				t.Log(w)
			}
		})
		if !done || len(wrong) == 0 {
			return
		}
	}
	t.Error(strings.Join(wrong, "; "))
}
