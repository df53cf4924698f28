package room

// maxDigits is how many digits of a member wait at most until the others are told: it
// may send a burst, and steps of a room of two that pass by together are 100 ms.
const maxDigits = 32

// Hold implements Leg.
func (l *conferenceLeg) Hold(on bool) { l.hold.set(on) }

// Digit implements Leg. The others are told with the next step.
func (l *conferenceLeg) Digit(d byte) bool {
	if l.unheard.Load() {
		return false
	}
	select {
	case l.digits <- d:
		return true
	default:
		return false
	}
}

// hush makes announced silence of a frame.
func (u *Uplink) hush() {
	u.Frame.Marks = u.Frame.Marks&markMuted | markLevelValid | levelSilent | markDTX
	u.Frame.Samples, u.Frame.Data = 0, nil
	u.Packet.Samples, u.Packet.Data = 0, nil
	u.Packet.DTX, u.Packet.Talk = true, false
}

// Hold implements Leg: whoever holds an echo hears nothing by itself.
func (l *loopback) Hold(bool) {}

// Digit implements Leg: it comes back, so that one who learns sees that it arrived.
func (l *loopback) Digit(d byte) bool {
	l.down.Event(Event{Kind: Pressed, Digit: d})
	return true
}

// Hold implements Leg; nobody listens.
func (l *toneLeg) Hold(bool) {}

// Digit implements Leg; nobody is told.
func (l *toneLeg) Digit(byte) bool { return true }
