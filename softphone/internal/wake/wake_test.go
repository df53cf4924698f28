package wake

import (
	"errors"
	"testing"
	"time"
)

// machine is a computer with both clocks.
type machine struct {
	through, awake time.Duration
	heldUp         int           // readings of through during which the process stands still
	hold           time.Duration // for so long
	broken         error
}

func (m *machine) run(d time.Duration)   { m.through, m.awake = m.through+d, m.awake+d }
func (m *machine) sleep(d time.Duration) { m.through += d }

func (m *machine) asleep() (time.Duration, error) {
	return between(func() (time.Duration, error) {
		if m.heldUp > 0 {
			m.heldUp--
			m.run(m.hold)
		}
		return m.through, m.broken
	}, func() (time.Duration, error) { return m.awake, nil })
}

func TestANapIsFoundOnce(t *testing.T) {
	m := machine{through: 1000 * time.Hour, awake: 400 * time.Hour} // it slept before the call
	w := New(m.asleep)
	for range 3 {
		if d := w.Slept(); d != 0 {
			t.Errorf("slept %v before it did", d)
		}
		m.run(time.Second)
	}
	m.sleep(2 * time.Minute)
	m.run(time.Second / 2)
	if d := w.Slept(); d != 2*time.Minute {
		t.Errorf("slept %v, want 2 min", d)
	}
	m.run(time.Second)
	if d := w.Slept(); d != 0 {
		t.Errorf("slept %v more", d)
	}
}

func TestWhatIsNoNapIsNone(t *testing.T) {
	for name, happens := range map[string]func(*machine){
		"a process that was stopped":          func(m *machine) { m.run(time.Minute) },
		"a nap too short to matter":           func(m *machine) { m.sleep(1900 * time.Millisecond) },
		"a clock that was set back":           func(m *machine) { m.sleep(-time.Hour) },
		"a process stopped between two reads": func(m *machine) { m.heldUp, m.hold = 1, 10*time.Second },
		"one that hardly gets to run":         func(m *machine) { m.heldUp, m.hold = attempts, 10*time.Second },
		"a clock that cannot be read":         func(m *machine) { m.broken = errors.New("no such clock") },
	} {
		t.Run(name, func(t *testing.T) {
			var m machine
			w := New(m.asleep)
			w.Slept()
			m.run(time.Second)
			happens(&m)
			if d := w.Slept(); d != 0 {
				t.Errorf("slept %v", d)
			}
			m.broken, m.heldUp = nil, 0
			m.sleep(time.Hour)
			if d := w.Slept(); d < time.Hour {
				t.Errorf("slept %v, want an hour, from the next look on", d)
			}
		})
	}
}

func TestTheClocksOfThisComputerCanBeRead(t *testing.T) {
	asleep := Asleep()
	w := New(asleep)
	first, err := asleep()
	if err != nil {
		t.Fatal(err)
	}
	w.Slept()
	if second, err := asleep(); err != nil || second < first-shortest {
		t.Errorf("asleep for %v, then for %v, %v", first, second, err)
	}
	if d := w.Slept(); d != 0 {
		t.Errorf("slept %v during a test", d)
	}
}
