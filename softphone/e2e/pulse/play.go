package pulse

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// What players and recorders buffer. It is much, so that a busy machine makes no
// gaps, and no part of a delay that is measured between two recorded ends.
const (
	playLatency   = "--latency-msec=200"
	recordLatency = "--latency-msec=50"
)

// pacat returns a command that moves raw 16-bit PCM of 48 kHz.
func (s *Server) pacat(ctx context.Context, direction, device, latency string, channels int) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "pacat", direction, "--device="+device, "--raw", "--format=s16le",
		"--rate=48000", "--channels="+strconv.Itoa(channels), latency)
	cmd.Env = s.environ()
	return cmd
}

// Play plays mono PCM on a sink and returns when the last of it was played, or
// ctx has ended.
func (s *Server) Play(ctx context.Context, sink string, pcm []int16) error {
	return s.play(ctx, sink, 1, pcm)
}

func (s *Server) play(ctx context.Context, sink string, channels int, pcm []int16) error {
	raw := make([]byte, 0, 2*len(pcm))
	for _, v := range pcm {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(v))
	}
	cmd := s.pacat(ctx, "--playback", sink, playLatency, channels)
	cmd.Stdin = bytes.NewReader(raw)
	return run(cmd, sink)
}

// PlayFile plays a sound file of any kind that libsndfile reads and returns when
// the last of it was played, or ctx has ended.
func (s *Server) PlayFile(ctx context.Context, sink, path string) error {
	cmd := exec.CommandContext(ctx, "pacat", "--playback", "--file-format", "--device="+sink, playLatency, path)
	cmd.Env = s.environ()
	return run(cmd, sink)
}

func run(cmd *exec.Cmd, sink string) error {
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("play on %s: %w: %s", sink, err, strings.TrimSpace(errs.String()))
	}
	return nil
}

// Recording is a running recording. Its methods are safe for concurrent use.
type Recording struct {
	server   *Server
	source   string
	channels int
	cmd      *exec.Cmd
	errs     safeBuffer
	done     chan struct{} // closed when nothing more comes

	mu  sync.Mutex
	raw []byte
}

// Record records a source in mono, for example HeadsetMonitor, from now until
// Stop or the end of the test. It returns once the first samples have come.
func (s *Server) Record(source string) *Recording {
	s.tb.Helper()
	return s.record(source, 1)
}

func (s *Server) record(source string, channels int) *Recording {
	s.tb.Helper()
	r := &Recording{server: s, source: source, channels: channels, done: make(chan struct{})}
	r.cmd = s.pacat(context.Background(), "--record", source, recordLatency, channels)
	r.cmd.Stderr = &r.errs
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		s.tb.Fatalf("record %s: %v", source, err)
	}
	if err := r.cmd.Start(); err != nil {
		s.tb.Fatalf("record %s: %v", source, err)
	}
	go r.collect(out)
	s.tb.Cleanup(r.end)
	r.WaitSamples(1)
	return r
}

func (r *Recording) collect(out io.Reader) {
	defer close(r.done)
	buf := make([]byte, 16<<10)
	for {
		n, err := out.Read(buf)
		r.mu.Lock()
		r.raw = append(r.raw, buf[:n]...)
		r.mu.Unlock()
		if err != nil {
			break
		}
	}
	_ = r.cmd.Wait() // it ends because it was killed
}

// end ends the recorder and waits for it.
func (r *Recording) end() {
	_ = r.cmd.Process.Kill() // it may have ended by itself
	<-r.done
}

// Samples returns how many samples a channel has so far.
func (r *Recording) Samples() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.raw) / 2 / r.channels
}

// Since returns what was recorded from the sample at n on, of one channel.
func (r *Recording) Since(n int) []int16 {
	r.mu.Lock()
	defer r.mu.Unlock()
	raw := r.raw[min(2*n*r.channels, len(r.raw)):]
	pcm := make([]int16, 0, len(raw)/2/r.channels)
	for i := 0; i+2*r.channels <= len(raw); i += 2 * r.channels {
		pcm = append(pcm, int16(binary.LittleEndian.Uint16(raw[i:])))
	}
	return pcm
}

// WaitSamples waits until there are at least n samples a channel, and fails the
// test if they do not come.
func (r *Recording) WaitSamples(n int) {
	r.server.tb.Helper()
	ended := false
	r.server.wait(fmt.Sprintf("%d samples of %s %s", n, r.source, r.errs.String()), func() bool {
		select {
		case <-r.done:
			ended = true
		default:
		}
		return ended || r.Samples() >= n
	})
	if ended && r.Samples() < n {
		r.server.tb.Fatalf("recording %s ended after %d of %d samples: %s", r.source, r.Samples(), n, r.errs.String())
	}
}

// Stop ends the recording and returns all of it.
func (r *Recording) Stop() []int16 {
	return r.stop()[0]
}

// stop ends the recording and returns its channels.
func (r *Recording) stop() [][]int16 {
	r.end()
	r.mu.Lock()
	defer r.mu.Unlock()
	channels := make([][]int16, r.channels)
	for i := 0; i+2*r.channels <= len(r.raw); i += 2 * r.channels {
		for c := range channels {
			channels[c] = append(channels[c], int16(binary.LittleEndian.Uint16(r.raw[i+2*c:])))
		}
	}
	return channels
}
