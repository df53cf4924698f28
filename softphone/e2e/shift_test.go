package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// A call, its last minute kept, and the call found and dialed again, in a terminal
// with the real server.
func TestAShiftOnTheScreen(t *testing.T) {
	srv, data := startServer(t), t.TempDir()
	s := startScreen(t, []string{"XDG_DATA_HOME=" + data}, "--server", srv.address, "--capture", "tone:440", "--playback", "null")
	s.shows("y history")
	s.keys("y")
	s.shows("There was no call yet.")
	s.keys("\x1bd")
	s.shows("live")
	s.shows("0:00:01")
	s.keys("!")
	s.shows("saved")
	s.shows(".zip")
	boxes, err := filepath.Glob(filepath.Join(data, "softphone", "blackbox", "*.zip"))
	if err != nil || len(boxes) != 1 {
		t.Fatalf("black boxes: %q, %v", boxes, err)
	}
	if info, err := os.Stat(boxes[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	s.keys("h")
	s.shows("ended after")
	s.keys("!")
	s.shows("saved")
	s.keys("y")
	s.shows("1 call")
	s.shows("hung up")
	s.keys("/nobody")
	s.shows("No call has that")
	s.keys("\x15ech")
	s.shows("1 call")
	s.keys("\r")
	s.shows("enter redial")
	s.keys("\r")
	s.shows("live")
	s.keys("y")
	s.shows("2 calls")
	s.keys("h")
	s.shows("enter redial")
	s.keys("q")
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("the softphone ended with %v", err)
	}
}
