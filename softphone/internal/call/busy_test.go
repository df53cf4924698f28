package call_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio"
)

// busyServer is an echo that holds what it sends back for a while, and says so.
type busyServer struct {
	api.UnimplementedCallCenterServer
	clock audio.Clock
	takes atomic.Int64 // a time.Duration
}

// serve serves until the listener or the returned function ends it.
func (b *busyServer) serve(lis net.Listener) (stop func()) {
	g := grpc.NewServer()
	api.RegisterCallCenterServer(g, b)
	var running sync.WaitGroup
	running.Go(func() { _ = g.Serve(lis) })
	return func() {
		g.Stop()
		running.Wait()
	}
}

// inside is a chunk in the server.
type inside struct {
	chunk *api.AudioChunk
	came  time.Duration
}

func (b *busyServer) LiveCall(stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	link := wire.NewLink(b.clock())
	come := make(chan inside, 1000)
	var running sync.WaitGroup
	running.Go(func() { b.answer(stream, link, come) })
	defer running.Wait()
	defer close(come)
	for {
		c, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		link.Received(c, b.clock())
		if c.GetSequence() > 0 {
			come <- inside{proto.Clone(c).(*api.AudioChunk), b.clock()}
		}
	}
}

// answer sends back what came when its time has come, and says each 50 ms what
// it took.
func (b *busyServer) answer(stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk], link *wire.Link, come <-chan inside) {
	var queue []inside
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	send := func(c *api.AudioChunk) {
		link.Stamp(c, b.clock())
		_ = stream.Send(c)
	}
	for n := 0; ; n++ {
		select {
		case c, ok := <-come:
			if !ok {
				return
			}
			queue = append(queue, c)
			continue
		case <-ticker.C:
		}
		if n%5 == 0 {
			send(&api.AudioChunk{})
		}
		for len(queue) > 0 && b.clock()-queue[0].came >= time.Duration(b.takes.Load()) {
			c := queue[0].chunk
			c.ServerTime = uint32((b.clock() - queue[0].came) / time.Microsecond)
			queue = queue[1:]
			c.Setup, c.Report = nil, nil
			send(c)
		}
	}
}
