//go:build linux && !race

package faults

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"callcenter/api"
	"callcenter/audio"
	"callcenter/softphone/internal/phone"
)

// observer is in a room, says nothing, and keeps the room's roster by the
// server's events. When its stream breaks it comes again with an empty one.
type observer struct {
	server, room string

	mu     sync.Mutex
	roster map[string]string // names by participant
	events []string          // comings and goings since forget
	twice  []string          // who came while there
}

// observe starts one that ends with the test.
func observe(t *testing.T, server, room string) *observer {
	t.Helper()
	o := &observer{server: server, room: room, roster: make(map[string]string)}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			_ = o.watch(ctx) // the server may be dead
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return o
}

// watch keeps the roster until the stream ends.
func (o *observer) watch(ctx context.Context) error {
	conn, err := phone.Connect(o.server)
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
	o.mu.Lock()
	clear(o.roster)
	o.mu.Unlock()
	// It takes Opus, so that the server's encoder is at work.
	if err := stream.Send(&api.AudioChunk{
		CallId: rand.Text(), Codec: "opus", SampleRate: audio.Rate, Channels: 1,
		Setup: &api.Setup{Destination: o.room, DisplayName: "observer"},
	}); err != nil {
		return err
	}
	acks := make(chan uint64, 1)
	var sender sync.WaitGroup
	defer sender.Wait()
	defer cancel()
	sender.Go(func() { o.acknowledge(ctx, stream, acks) })
	for {
		chunk, err := stream.Recv()
		if err != nil {
			return err
		}
		o.note(chunk.GetEvent())
		if n := chunk.GetSequence(); n > 0 {
			select {
			case <-acks:
			default:
			}
			acks <- n
		}
	}
}

// acknowledge sends what liveness asks for.
func (o *observer) acknowledge(ctx context.Context, stream interface{ Send(*api.AudioChunk) error }, acks <-chan uint64) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	chunk := &api.AudioChunk{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		select {
		case chunk.Ack = <-acks:
		default:
		}
		if stream.Send(chunk) != nil {
			return
		}
	}
}

// note keeps the roster.
func (o *observer) note(e *api.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id, name := e.GetParticipant().GetId(), e.GetParticipant().GetDisplayName()
	switch e.GetKind() { //nolint:exhaustive // the others are of no room
	case api.Event_KIND_JOINED:
		for _, there := range o.roster {
			if there == name {
				o.twice = append(o.twice, name)
			}
		}
		o.roster[id] = name
		o.events = append(o.events, name+" joined")
	case api.Event_KIND_LEFT:
		delete(o.roster, id)
		o.events = append(o.events, name+" left")
	}
}

// forget begins a new list of events.
func (o *observer) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = nil
}

// sees waits until those are in the room, each once, and nobody else.
func (o *observer) sees(names ...string) bool {
	return eventually(func() bool { return o.isRoster(names) })
}

func (o *observer) isRoster(names []string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	count := make(map[string]int)
	for _, name := range o.roster {
		count[name]++
	}
	for _, name := range names {
		if count[name] != 1 {
			return false
		}
	}
	return len(o.roster) == len(names)
}

// complaints are what no fault excuses, and what a fault of one's own link does
// not: that anybody came or went.
func (o *observer) complaints(quiet bool) (wrong []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.twice) > 0 {
		wrong = append(wrong, fmt.Sprintf("two legs of one call: %q came while there", o.twice))
	}
	if quiet && len(o.events) > 0 {
		wrong = append(wrong, fmt.Sprintf("the room saw %q", o.events))
	}
	return wrong
}
