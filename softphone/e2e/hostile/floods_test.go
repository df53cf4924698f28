package hostile

import (
	"context"
	"fmt"

	"golang.org/x/net/http2"

	"callcenter/api"
	"callcenter/api/wire"
)

// torrent sends a thousand chunks a second in each call, and takes what comes back
// without a word.
func (a *attacker) torrent(ctx context.Context) error {
	return a.talk(ctx, func(ctx context.Context, number int, r *raw) error {
		to := []string{"echo", "room/flooded"}[number%2]
		stream, err := r.open(liveCall, false, a.opening(to, "pcm"))
		if err != nil {
			return err
		}
		chunk := &api.AudioChunk{AudioData: make([]byte, 320), Epoch: 1, Marks: wire.LevelMarks(loudVoice, true)}
		return a.paced(ctx, func(n int) error {
			for range n {
				chunk.Sequence++
				chunk.MediaTime = (chunk.Sequence-1)*frameSamples + 1
				if err := r.send(stream, message(chunk)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// storm calls, a room of its own each time, and hangs up or is gone at once.
func (a *attacker) storm(ctx context.Context) error {
	return a.talk(ctx, func(ctx context.Context, number int, r *raw) error {
		calls := 0
		return a.paced(ctx, func(n int) error {
			for range n {
				calls++
				to := fmt.Sprintf("room/storm-%d-%d", number, calls%1000)
				stream, err := r.open(liveCall, calls%2 == 0, a.opening(to, "opus"))
				if err == nil && calls%2 != 0 {
					err = r.write(func(f *http2.Framer) error { return f.WriteRSTStream(stream, http2.ErrCodeCancel) })
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// pings asks the server for an answer, and again.
func (a *attacker) pings(ctx context.Context) error {
	return a.frames(ctx, func(to *http2.Framer, i int) error { return to.WritePing(false, [8]byte{byte(i)}) })
}

// settings changes its mind on nothing, all the time.
func (a *attacker) settings(ctx context.Context) error {
	return a.frames(ctx, func(to *http2.Framer, i int) error {
		return to.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(window + i%2)})
	})
}

// frames sends frames of the connection, beside a stream that has said nothing yet.
func (a *attacker) frames(ctx context.Context, one func(to *http2.Framer, i int) error) error {
	return a.talk(ctx, func(ctx context.Context, _ int, r *raw) error {
		if _, err := r.open(liveCall, false, nil); err != nil {
			return err
		}
		return a.paced(ctx, func(n int) error {
			return r.write(func(to *http2.Framer) error {
				for i := range n {
					if err := one(to, i); err != nil {
						return err
					}
				}
				return nil
			})
		})
	})
}

// nothing sends frames that carry nothing: no data, priorities, windows of a byte,
// of types that nobody knows, and resets of what is over.
func (a *attacker) nothing(ctx context.Context) error {
	return a.frames(ctx, func(to *http2.Framer, i int) error {
		switch i % 5 {
		case 0, 1:
			return to.WriteData(1, false, nil)
		case 2:
			return to.WritePriority(3, http2.PriorityParam{StreamDep: 1})
		case 3:
			return to.WriteWindowUpdate(1, 1)
		}
		return to.WriteRawFrame(0x99, 0, 1, nil)
	})
}

// health asks whether the server is well, which anybody may.
func (a *attacker) health(ctx context.Context) error {
	return a.talk(ctx, func(ctx context.Context, _ int, r *raw) error {
		return a.paced(ctx, func(n int) error {
			for range n {
				if _, err := r.open(healthCheck, true, make([]byte, 5)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
