//go:build linux && !race

package faults

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"callcenter/api"
	"callcenter/codec/opus"
	"callcenter/softphone/e2e/proxy"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

// Of every twenty calls six are echoes, two of them in Opus, twelve are in rooms
// of four of whom two only listen, and two are of clients that know five
// fields. Those have no way to resume and so a link without faults. All others have
// sound devices of long periods: a hundred of them share one machine.
const (
	party       = 20
	echoes      = 6
	roomMembers = 4
	plains      = 2
	opusEchoes  = 2

	longPeriod = 40 * time.Millisecond
)

// load is many calls at a time. One goroutine uses it.
type load struct {
	direct string // address of the server
	links  []*proxy.Proxy
	calls  []caller
	begun  int // so far
}

// caller is one of the calls.
type caller interface {
	stop()
	// complaint says why a call is over that nobody ended, "" while it goes on.
	complaint() string
	// isUp reports that the call's link works, and received how many chunks of
	// audio came so far.
	isUp() bool
	received() uint64
	state() string // for messages
}

// fill places as many calls, one after the other.
func (l *load) fill(calls int) error {
	for i := range calls {
		l.calls = append(l.calls, nil)
		if err := l.place(i); err != nil {
			return err
		}
	}
	return nil
}

// renew ends a call and places another like it.
func (l *load) renew(i int) error {
	l.calls[i].stop()
	return l.place(i)
}

// place dials until the call is up: on a busy machine it may be refused for want
// of an answer.
func (l *load) place(i int) error {
	l.dial(i)
	up := eventually(func() bool {
		if l.calls[i].complaint() != "" {
			l.calls[i].stop()
			l.dial(i)
		}
		return l.calls[i].isUp()
	})
	if !up {
		return fmt.Errorf("call %d was placed and is not up: %s", i, l.calls[i].complaint())
	}
	return nil
}

// link is what a call goes through, unless it is one of five fields.
func (l *load) link(i int) *proxy.Proxy { return l.links[i%len(l.links)] }

func (l *load) dial(i int) {
	l.begun++
	name := fmt.Sprintf("call %d, the %d. of all", i, l.begun)
	role := i % party
	if role >= party-plains {
		l.calls[i] = dialPlain(l.direct)
		return
	}
	o := line{server: l.link(i).Addr, destination: "echo", name: name, hz: 100 * (1 + i%30), ear: silence{}, period: longPeriod}
	if role < opusEchoes {
		o.codec = opus.Codec{}
	}
	if role >= echoes {
		member := role - echoes
		o.destination = fmt.Sprintf("room/soak-%d-%d", i/party, member/roomMembers)
		if member%roomMembers >= roomMembers/2 {
			o.hz = 0
		}
	}
	l.calls[i] = (*placed)(dial(o))
}

func (l *load) stop() {
	var all sync.WaitGroup
	for _, c := range l.calls {
		all.Go(c.stop)
	}
	all.Wait()
}

// complaints says which calls are over that nobody ended.
func (l *load) complaints() (wrong []string) {
	for i, c := range l.calls {
		if w := c.complaint(); w != "" {
			wrong = append(wrong, fmt.Sprintf("call %d: %s", i, w))
		}
	}
	return wrong
}

// placed is a softphone's call.
type placed operator

func (p *placed) stop() { (*operator)(p).stop() }

func (p *placed) isUp() bool {
	s := p.phone.Snapshot()
	return s.State == callstate.Live && s.Link.State == callstate.LinkUp
}

func (p *placed) state() string {
	s := p.phone.Snapshot()
	return fmt.Sprintf("%v, link %+v", s.State, s.Link)
}

func (p *placed) received() uint64 { return p.phone.Snapshot().Traffic.Received }

func (p *placed) complaint() string {
	if (*operator)(p).over() {
		return fmt.Sprintf("%s is over after %.1f s: %v", p.name, p.report.DurationS, p.err)
	}
	return ""
}

// plain is a client that knows the five fields and echoes PCM.
type plain struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // after done
	chunks atomic.Uint64
}

func dialPlain(server string) *plain {
	p := &plain{done: make(chan struct{})}
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(p.done)
		p.err = p.talk(ctx, server)
	}()
	return p
}

// talk sends 20 ms of PCM at a time and takes what comes back.
func (p *plain) talk(ctx context.Context, server string) error {
	conn, err := phone.Connect(server)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := api.NewCallCenterClient(conn).LiveCall(ctx)
	if err != nil {
		return err
	}
	var sender sync.WaitGroup
	defer sender.Wait()
	defer cancel()
	sender.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		chunk := &api.AudioChunk{CallId: rand.Text(), Codec: "pcm", SampleRate: 16000, Channels: 1, AudioData: make([]byte, 640)}
		for stream.Send(chunk) == nil {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
	chunk := &api.AudioChunk{}
	for {
		if err := stream.RecvMsg(chunk); err != nil {
			return err
		}
		if len(chunk.GetAudioData()) != 640 {
			return errors.New("a chunk came back changed")
		}
		p.chunks.Add(1)
	}
}

func (p *plain) stop() {
	p.cancel()
	<-p.done
}

func (p *plain) isUp() bool       { return p.complaint() == "" && p.chunks.Load() > 0 }
func (p *plain) state() string    { return fmt.Sprintf("of five fields, %d chunks", p.chunks.Load()) }
func (p *plain) received() uint64 { return p.chunks.Load() }

func (p *plain) complaint() string {
	select {
	case <-p.done:
		return fmt.Sprintf("the call of five fields is over: %v", p.err)
	default:
		return ""
	}
}
