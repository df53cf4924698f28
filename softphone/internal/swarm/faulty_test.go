package swarm

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"callcenter/api"
	"callcenter/softphone/internal/phone"
)

// faulty is a server that echoes what it likes.
type faulty struct {
	api.UnimplementedCallCenterServer
	// echo changes what goes back, and says whether it does and goes on.
	echo func(c *api.AudioChunk) (send, goOn bool)
}

func (f *faulty) LiveCall(stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	first := true
	for {
		c, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if first {
			first = false
			if err := stream.Send(&api.AudioChunk{Event: &api.Event{Kind: api.Event_KIND_ANSWERED}}); err != nil {
				return err
			}
			continue
		}
		back := &api.AudioChunk{
			AudioData: c.GetAudioData(), Marks: c.GetMarks(), Sequence: c.GetSequence(), DroppedBefore: c.GetDroppedBefore(),
			Epoch: c.GetEpoch(), MediaTime: c.GetMediaTime(), Ack: c.GetSequence(),
		}
		send, goOn := f.echo(back)
		if send {
			if err := stream.Send(back); err != nil {
				return err
			}
		}
		if !goOn {
			return nil
		}
	}
}

// swarmToFaulty makes three echo calls for a second to a faulty server.
func swarmToFaulty(t *testing.T, echo func(c *api.AudioChunk) (send, goOn bool)) (Report, error) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.WaitForHandlers(true))
	api.RegisterCallCenterServer(server, &faulty{echo: echo})
	served := make(chan error, 1)
	go func() { served <- server.Serve(lis) }()
	defer func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	return Run(t.Context(), plan(func(c *Config) {
		c.Server, c.Connect, c.Destination, c.Calls, c.Duration = lis.Addr().String(), phone.Connect, "echo", 3, time.Second
	}))
}

func TestAFaultyServerIsFoundOut(t *testing.T) {
	for name, tc := range map[string]struct {
		echo func(c *api.AudioChunk) (send, goOn bool)
		want string
	}{
		"it changes a bit": {func(c *api.AudioChunk) (bool, bool) {
			if c.GetSequence() == 10 {
				c.AudioData[7] ^= 4
			}
			return true, true
		}, "3 verifications failed, the first: call "},
		"it loses a frame":  {func(c *api.AudioChunk) (bool, bool) { return c.GetSequence() != 10, true }, "got sequence 11 after 9, and 0 marked as dropped"},
		"it ends the calls": {func(c *api.AudioChunk) (bool, bool) { return true, c.GetSequence() < 20 }, "ended 3 early with Ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := swarmToFaulty(t, tc.echo)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v\n%+v", err, r)
			}
		})
	}
}

func TestAServerThatAcknowledgesNothingHoldsUpNoTurn(t *testing.T) {
	t.Parallel()
	r, err := swarmToFaulty(t, func(c *api.AudioChunk) (bool, bool) {
		c.Ack = 0
		return true, true
	})
	if err != nil || r.Unsent == 0 || r.Sent+r.Received > 6*mostUnacknowledged {
		t.Errorf("%v\n%+v", err, r)
	}
}
