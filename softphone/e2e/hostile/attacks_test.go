package hostile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"callcenter/api"
	"callcenter/api/wire"
)

// attacks are those on the level of connections. The rates of the full ones are
// what one computer on a network can have; the quick ones are for tests.
func attacks() []attack {
	return []attack{
		{name: "says its first bytes one by one", run: (*attacker).dribble, full: strength{500, 1000, 500}, quick: strength{20, 200, 100}, spread: 50},
		{name: "holds 10,000 idle connections", run: (*attacker).idle, full: strength{10000, 0, 2500}, quick: strength{100, 0, 500}, spread: 50},
		{name: "holds 10,000 from one address", run: (*attacker).idle, full: strength{10000, 0, 2500}, quick: strength{100, 0, 500}, spread: 1},
		{name: "holds 10,000 that say nothing", run: (*attacker).mute, full: strength{10000, 0, 2500}, quick: strength{100, 0, 500}, spread: 50},
		{name: "connects and leaves", run: (*attacker).touch, full: strength{50, 0, 1000}, quick: strength{5, 0, 100}, spread: 50},
		{name: "resets streams at once", run: (*attacker).reset, full: strength{4, 20000, 100}, quick: strength{2, 1000, 20}, spread: 1},
		{name: "sends headers of 1 MiB", run: (*attacker).headers, full: strength{4, 20, 100}, quick: strength{2, 10, 20}, spread: 1},
		{name: "never ends its headers", run: (*attacker).endless, full: strength{20, 1000, 100}, quick: strength{2, 200, 20}, spread: 1},
		{name: "sends messages of 100 MB", run: (*attacker).huge, full: strength{4, 200, 100}, quick: strength{2, 20, 20}, spread: 1},
		{name: "leaves streams half open", run: (*attacker).halfOpen, full: strength{30, 2000, 100}, quick: strength{3, 100, 20}, spread: 10},
		{name: "never reads", run: (*attacker).deaf, full: strength{40, 200, 100}, quick: strength{4, 50, 20}, spread: 10},
		{name: "floods calls", run: (*attacker).torrent, full: strength{4, 4000, 100}, quick: strength{2, 2000, 20}, spread: 1},
		{name: "calls and hangs up", run: (*attacker).storm, full: strength{4, 200, 100}, quick: strength{2, 20, 20}, spread: 1},
		{name: "floods pings", run: (*attacker).pings, full: strength{4, 10000, 100}, quick: strength{2, 1000, 20}, spread: 1},
		{name: "floods settings", run: (*attacker).settings, full: strength{4, 10000, 100}, quick: strength{2, 1000, 20}, spread: 1},
		{name: "floods frames of nothing", run: (*attacker).nothing, full: strength{4, 20000, 100}, quick: strength{2, 1000, 20}, spread: 1},
		{name: "asks for health", run: (*attacker).health, full: strength{4, 2000, 100}, quick: strength{2, 100, 20}, spread: 1},
	}
}

// dribble begins as a client does, a byte at a time: the preface, and what comes
// behind it.
func (a *attacker) dribble(ctx context.Context) error { return a.slowly(ctx, preface(window)) }

// slowly begins connections a byte at a time.
func (a *attacker) slowly(ctx context.Context, begin []byte) error {
	return a.each(ctx, func(ctx context.Context, _ int, r *raw) error {
		left := begin
		return r.reading(func() error {
			return a.paced(ctx, func(n int) error {
				if n = min(n, len(left)); n == 0 {
					return errStreamOver // it was let in, and begins anew
				}
				_, err := r.conn.Write(left[:n])
				left = left[n:]
				return err
			})
		})
	})
}

// again is how long one waits who was not let in.
const again = 5 * time.Second

// idle connects as a client does, and no more.
func (a *attacker) idle(ctx context.Context) error {
	return a.each(ctx, func(ctx context.Context, _ int, r *raw) error {
		a.did.Add(1)
		if err := r.begin(window); err == nil {
			r.read()
		}
		return pause(ctx, again)
	})
}

// mute connects and does not say a word.
func (a *attacker) mute(ctx context.Context) error {
	return a.each(ctx, func(ctx context.Context, _ int, r *raw) error {
		a.did.Add(1)
		r.read()
		return pause(ctx, again)
	})
}

// touch connects and is gone, every other time with a client's first words.
func (a *attacker) touch(ctx context.Context) error {
	return a.each(ctx, func(_ context.Context, _ int, r *raw) error {
		if a.did.Add(1)%2 == 0 {
			return r.begin(window)
		}
		return nil
	})
}

// reset opens streams and resets them in the same write.
func (a *attacker) reset(ctx context.Context) error {
	return a.talk(ctx, func(ctx context.Context, _ int, r *raw) error {
		return a.paced(ctx, func(n int) error {
			return r.write(func(to *http2.Framer) error {
				for range n {
					stream, err := r.headersLocked(liveCall, false)
					if err != nil {
						return err
					}
					delete(r.credit, stream)
					if err := to.WriteRSTStream(stream, http2.ErrCodeCancel); err != nil {
						return err
					}
				}
				return nil
			})
		})
	})
}

// talk does one thing on each connection after a client's first words, while what
// comes is read.
func (a *attacker) talk(ctx context.Context, one func(ctx context.Context, number int, r *raw) error) error {
	return a.each(ctx, func(ctx context.Context, number int, r *raw) error {
		if err := r.begin(mostWindow); err != nil {
			return err
		}
		return r.reading(func() error { return one(ctx, number, r) })
	})
}

// block is a header block of a size, in bytes.
func block(size int) []byte {
	var b bytes.Buffer
	to := hpack.NewEncoder(&b)
	value := string(bytes.Repeat([]byte{'~'}, 4000)) // which Huffman's code makes no shorter
	for i := 0; b.Len() < size; i++ {
		_ = to.WriteField(hpack.HeaderField{Name: fmt.Sprintf("x-%d", i), Value: value, Sensitive: true}) // into memory
	}
	return b.Bytes()[:size]
}

// headers sends a header block of 1 MiB, in as many frames as it takes.
func (a *attacker) headers(ctx context.Context) error {
	fields := block(1 << 20)
	return a.talk(ctx, func(ctx context.Context, _ int, r *raw) error {
		if err := r.settle(ctx); err != nil {
			return err
		}
		return a.paced(ctx, func(n int) error {
			for range n {
				if err := r.block(fields, true); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// settle waits until the server's settings were answered: no other frame may come
// between those of a header block.
func (r *raw) settle(ctx context.Context) error {
	select {
	case <-r.settled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// block sends a header block on a new stream, and its end if it is to have one.
func (r *raw) block(fields []byte, end bool) error {
	r.mu.Lock()
	stream := r.next()
	r.mu.Unlock()
	n := min(len(fields), mostFrame)
	first, rest := fields[:n], fields[n:]
	err := r.write(func(to *http2.Framer) error {
		return to.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: first})
	})
	for err == nil && len(rest) > 0 {
		part := rest[:min(len(rest), mostFrame)]
		rest = rest[len(part):]
		err = r.write(func(to *http2.Framer) error {
			return to.WriteContinuation(stream, end && len(rest) == 0, part)
		})
	}
	return err
}

// endless begins a header block and goes on with empty parts of it.
func (a *attacker) endless(ctx context.Context) error {
	fields := block(100)
	return a.talk(ctx, func(ctx context.Context, _ int, r *raw) error {
		if err := errors.Join(r.settle(ctx), r.block(fields, false)); err != nil {
			return err
		}
		return a.paced(ctx, func(n int) error {
			return r.write(func(to *http2.Framer) error {
				for range n {
					if err := to.WriteContinuation(r.last, false, nil); err != nil {
						return err
					}
				}
				return nil
			})
		})
	})
}

// huge announces a message of 100 MB and sends of it what the windows allow.
func (a *attacker) huge(ctx context.Context) error {
	const size = 100_000_000
	begin := binary.BigEndian.AppendUint32([]byte{0}, size)
	part := make([]byte, mostFrame)
	return a.talk(ctx, func(ctx context.Context, _ int, r *raw) error {
		return a.paced(ctx, func(n int) error {
			for range n {
				stream, err := r.open(liveCall, false, begin)
				for sent := 0; err == nil && sent < size; sent += len(part) {
					err = r.send(stream, part)
				}
				if err != nil && !errors.Is(err, errStreamOver) {
					return err
				}
			}
			return nil
		})
	})
}

// halfOpen opens as many streams as it may, of which nothing comes: no byte, a byte
// of a message, or the end of the connection's other half behind a call's beginning.
func (a *attacker) halfOpen(ctx context.Context) error {
	some := append(binary.BigEndian.AppendUint32([]byte{0}, wire.MaxMessage-100), 1)
	return a.talk(ctx, func(ctx context.Context, number int, r *raw) error {
		const most = 200
		if number%3 == 2 {
			if _, err := r.open(liveCall, false, a.opening("echo", "pcm")); err != nil {
				return err
			}
			a.did.Add(1)
			if half, ok := r.conn.(interface{ CloseWrite() error }); ok {
				if err := half.CloseWrite(); err != nil {
					return err
				}
			}
			return pause(ctx, time.Second)
		}
		return a.paced(ctx, func(n int) error {
			var begin []byte
			if number%3 == 1 {
				begin = some
			}
			for range min(n, most-r.streams()) {
				if _, err := r.open(liveCall, false, begin); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// deaf asks for audio on five calls and does not take it: it gives the streams no
// window, or never reads the socket.
func (a *attacker) deaf(ctx context.Context) error {
	alive := message(&api.AudioChunk{})
	one := func(ctx context.Context, number int, r *raw) error {
		for i := range 5 {
			to := []string{"tone", "room/deaf", "echo"}[(number+i)%3]
			if _, err := r.open(liveCall, false, a.opening(to, "pcm")); err != nil {
				return err
			}
		}
		return a.paced(ctx, func(n int) error {
			for i := range n {
				if err := r.write(func(to *http2.Framer) error { return to.WriteData(uint32(1+i%5*2), false, alive) }); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return a.each(ctx, func(ctx context.Context, number int, r *raw) error {
		if number%2 == 0 {
			if err := r.begin(0); err != nil {
				return err
			}
			return r.reading(func() error { return one(ctx, number, r) })
		}
		if tcp, ok := r.conn.(interface{ SetReadBuffer(bytes int) error }); ok {
			_ = tcp.SetReadBuffer(4096) // with more it takes longer
		}
		if err := r.begin(mostWindow); err != nil {
			return err
		}
		return one(ctx, number, r)
	})
}
