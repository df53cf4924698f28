//go:build linux && !race

package capacity

import (
	"errors"
	"io"

	"google.golang.org/grpc"

	"callcenter/api"
)

// serverTime is what the product's server says in each chunk that it sends back:
// a bare echo says it too, so that its messages are as long.
const serverTime = 200

// bare sends back each chunk, after an answer to the first, and does nothing else.
type bare struct {
	api.UnimplementedCallCenterServer
}

// LiveCall implements api.CallCenterServer.
func (bare) LiveCall(stream grpc.BidiStreamingServer[api.AudioChunk, api.AudioChunk]) error {
	if _, err := stream.Recv(); err != nil {
		return ended(err)
	}
	chunk := answer()
	for {
		if err := stream.Send(chunk); err != nil {
			return err
		}
		var err error
		if chunk, err = stream.Recv(); err != nil {
			return ended(err)
		}
		chunk.ServerTime = serverTime
	}
}

func answer() *api.AudioChunk {
	return &api.AudioChunk{Event: &api.Event{Kind: api.Event_KIND_ANSWERED}}
}

// ended is what a call ends with whose stream did.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
