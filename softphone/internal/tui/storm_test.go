package tui

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

func TestTheWholeDeskInATerminal(t *testing.T) {
	t.Parallel()
	c := startChild(t, "softphone")
	c.expect("IDLE")
	c.press("/")
	c.expect("Grace Hopper")
	c.press("\x1b[200~room/pas\x1b[31mted\r\n📞\x1b[201~")
	c.expect("room/pasted")
	c.press("\r")
	c.expect("LIVE")
	c.press("m")
	c.expect("space talk 30 s")
	c.press(" ")
	c.expect("space release")
	c.press(" m")
	c.expect("m mute")
	c.press("x")
	c.expect("x resume")
	c.press("x")
	c.expect("x hold")
	c.press("12#")
	c.expect("Sent 1 2 #")
	c.press("+")
	c.expect("Microphone +1 dB.")
	c.press("<")
	c.expect("Ear volume -1 dB.")
	c.press("v")
	c.expect("HD Web Camera")
	c.press("j\r")
	c.expect("chosen, default")
	c.press("\t")
	c.expect("t test tone")
	c.press("v")
	c.expect("h hang up")
	c.press("h")
	c.expect("IDLE")
	c.press("d")
	c.expect("t training")
	c.press("t\x1b[C")
	c.expect("50 ms")
	c.press("\x1b")
	c.expect("t training")
	c.press("h")
	c.expect("IDLE")
	c.press("q")
	want := "<nil> bench closed [dial room/pasted mute talk talk mute hold hold digit 1 digit 2 digit # mic +1 ear -1 hang up dial  train 50ms 0s 0 hang up]"
	if did := c.restored(0); !strings.Contains(did, want) {
		t.Errorf("the phone did %s\nwant %s", did, want)
	}
}

// A shift: the check before it, a call out of the history, and its last minute kept.
func TestAShiftInATerminal(t *testing.T) {
	t.Parallel()
	c := startChild(t, "softphone")
	c.expect("c check  y history")
	c.press("c")
	c.expect("FAIL  Put right before the shift: Echo of the ear.")
	c.press("j\r\x1b")
	c.expect("One key dials")
	c.press("y")
	c.expect("Maria Sibylla")
	c.press("/d!")
	c.expect("Search d!")
	c.press("\r")
	c.expect("Calls with d!")
	c.press("j\r")
	c.expect("LIVE")
	c.press("!y")
	c.expect("6 calls")
	c.press("!\rh")
	c.expect("IDLE")
	c.press("q")
	if did := c.restored(0); !strings.Contains(did, "<nil> bench closed [dial echo save save hang up]") {
		t.Errorf("the phone did %s", did)
	}
}

// drawn returns how many bytes were written to the terminal since the last time.
func (c *terminal) drawn() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.text.Len()
	c.text.Reset()
	return n
}

func TestNothingIsWrittenWhileIdle(t *testing.T) {
	for _, keys := range []string{"", "c", "y", "?"} {
		t.Run("after "+keys, func(t *testing.T) {
			t.Parallel()
			nothingIsWritten(t, keys)
		})
	}
}

func nothingIsWritten(t *testing.T, keys string) {
	c := startChild(t, "softphone")
	c.expect("q quit")
	c.press(keys + "+") // after it the picture rests
	c.expect("Microphone +1 dB.")
	quiet := 0
	for range 50 { // what the key caused may come late on a busy machine
		time.Sleep(200 * time.Millisecond)
		if c.drawn() > 0 {
			quiet = 0
		} else if quiet++; quiet == 5 {
			break
		}
	}
	if quiet < 5 {
		t.Error("the terminal of an idle line is written to")
	}
	c.press("q")
	c.restored(0)
}

// mostBytes is what a call may write to a terminal of 80 by 24 in a second: a
// slow line to a far desk carries it.
const mostBytes = 64 << 10

func TestACallWritesLittle(t *testing.T) {
	t.Parallel()
	c := startChild(t, "demo")
	c.expect("IDLE")
	c.press("d")
	c.expect("LIVE")
	time.Sleep(500 * time.Millisecond)
	c.drawn()
	start := time.Now()
	time.Sleep(2 * time.Second)
	n, took := c.drawn(), time.Since(start).Seconds()
	t.Logf("%.1f kB a second in a call, at 80 by 24 without colours", float64(n)/took/1000)
	if n == 0 || float64(n)/took > mostBytes {
		t.Errorf("%.0f bytes a second, want some and at most %d", float64(n)/took, mostBytes)
	}
	c.press("h")
	c.expect("IDLE")
	c.press("q")
	c.restored(0)
}

func TestAResizeStormInATerminal(t *testing.T) {
	t.Parallel()
	c := startChild(t, "demo")
	c.expect("IDLE")
	c.press("d")
	c.expect("LIVE")
	r := rand.New(rand.NewPCG(2, 6))
	for range 500 {
		size := &pty.Winsize{Cols: uint16(1 + r.IntN(300)), Rows: uint16(1 + r.IntN(100))}
		if err := pty.Setsize(c.master, size); err != nil {
			t.Fatal(err)
		}
		if r.IntN(10) == 0 {
			time.Sleep(time.Millisecond) // so that some of them are seen
		}
	}
	if err := pty.Setsize(c.master, &pty.Winsize{Cols: 80, Rows: 24}); err != nil {
		t.Fatal(err)
	}
	c.drawn()
	c.press("?")
	c.expect("The voice")
	c.press("h")
	c.expect("IDLE")
	c.press("q")
	c.restored(0)
}

// Some thousand keys through a terminal, escape sequences and all; only those
// that quit are left out, which the test needs for itself.
func TestRandomKeysInATerminal(t *testing.T) {
	t.Parallel()
	c := startChild(t, "softphone")
	c.expect("IDLE")
	keys := []string{
		"d", "/", "r", "1", "9", "0", "#", "h", "b", "m", "x", " ", "+", "-", "<", ">", "s", "i", "v", "t", "f", "n", "l", "?", "c", "y", "!",
		"\r", "\t", "\x1b", "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~", "\x1bOP", "\x1b[200~room/x\n\x1b[201~",
		"\x7f", "\x15", "\x00", "é", "日", "\xff", "\x1b[M abc", "\x1b[<0;3;3M", "zzz",
	}
	r := rand.New(rand.NewPCG(3, 6))
	for range 100 {
		var burst strings.Builder
		for range 30 {
			burst.WriteString(keys[r.IntN(len(keys))])
		}
		c.press(burst.String())
	}
	c.press("\x1b[201~\x1b[201~")
	c.drawn()
	for range 3 {
		c.press("\x03")
		time.Sleep(10 * time.Millisecond) // so that each is a key of its own
	}
	if did := c.restored(0); !strings.Contains(did, "<nil> bench closed") {
		t.Errorf("%s", did)
	}
}
