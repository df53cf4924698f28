package cli

import (
	"fmt"

	"callcenter/softphone/internal/phone"
	"callcenter/softphone/internal/replay"
	"callcenter/softphone/internal/sound"
)

const recordFlag = "record-trace"

// record lets a call's arrivals be written to a new trace at path, "" for none.
// The function that it returns is called when the call is over.
func (p *program) record(o *phone.Order, path string) (finish func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	if err = p.freeForTrace(path); err != nil {
		return nil, usageError{err}
	}
	rec, err := replay.NewRecorder(path)
	if err != nil {
		return nil, fmt.Errorf("%w (--%s)", err, recordFlag)
	}
	o.OnPacket = rec.Packet
	var packets uint64
	done := make(chan error, 1)
	go func() {
		n, err := rec.Run()
		packets = n
		done <- err
	}()
	return func() error {
		rec.Finish()
		if err := <-done; err != nil {
			return fmt.Errorf("trace %q: %w", path, err)
		}
		if packets > 0 {
			_, _ = fmt.Fprintf(p.stderr, "%d packets in trace %q: softphone replay --trace plays them\n", packets, path)
		}
		return nil
	}, nil
}

// freeForTrace refuses the files that the call itself reads or writes.
func (p *program) freeForTrace(path string) error {
	for dir, text := range map[sound.Direction]string{sound.Capture: p.cfg.Capture, sound.Playback: p.cfg.Playback} {
		if s, err := sound.Parse(dir, text); err == nil && s.Kind == sound.File && sameFile(s.Path, path) {
			return fmt.Errorf("--%s names the file of --%s, %.80q; name another", recordFlag, dir, path)
		}
	}
	return nil
}
