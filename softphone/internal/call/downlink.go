package call

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"callcenter/api"
	"callcenter/api/wire"
	"callcenter/audio/jitter"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/cue"
)

// hearing joins what the carriers bring to one sequence and one count of epochs,
// as the playout wants them. A server that knows the call goes on with its
// numbers; one that was restarted begins at 1, another has its own, and so it
// is with epochs.
type hearing struct {
	mu      sync.Mutex
	from    int    // number of the carrier that is heard
	server  string // of it
	deaf    int    // carriers up to this one are no longer
	base    uint32 // epoch of the playout that stands for first
	first   uint32 // first epoch of that carrier
	epoch   uint32 // newest, of the playout
	highest uint64 // newest sequence on the wire
	offset  uint64 // of the playout's sequences, modulo 2^64

	mine atomic.Uint64 // epochs of the playout and the wire, for the loop
}

// place puts a packet into the playout's numbering. It is refused once a newer
// carrier was heard.
func (h *hearing) place(k *carrier, p *jitter.Packet) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case k.number < h.from, k.number <= h.deaf:
		return false
	case k.number > h.from:
		h.base = p.Epoch
		if h.from != 0 {
			h.base = h.epoch + 1
		}
		if h.from != 0 && (h.deaf >= h.from || k.server != h.server || p.Sequence <= h.highest) {
			h.offset += h.highest + 1 - p.Sequence
			p.DroppedBefore = 0
		}
		h.from, h.first, h.server = k.number, p.Epoch, k.server
		h.highest, h.epoch = p.Sequence, h.base
	}
	h.highest = max(h.highest, p.Sequence)
	wire := p.Epoch
	p.Epoch = h.base + (wire - h.first)
	p.Sequence += h.offset
	if int32(p.Epoch-h.epoch) > 0 {
		h.epoch = p.Epoch
	}
	h.mine.Store(uint64(p.Epoch)<<32 | uint64(wire))
	return true
}

// turn puts the packets from now on into another epoch of the playout's.
func (h *hearing) turn() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.base++
}

// shut stops hearing the carriers up to one. What they bring is acknowledged and
// thrown away, so that the next one's numbers say nothing of what is missing.
func (h *hearing) shut(number int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deaf = max(h.deaf, number)
}

// newest is the newest sequence that was heard of a server, 0 if it was another
// that was heard last.
func (h *hearing) newest(server string) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if server != h.server {
		return 0
	}
	return h.highest
}

// sentAs returns under which of our epochs the sound of one of the playout's was
// sent, in a call that comes back.
func (h *hearing) sentAs(epoch uint32) (uint32, bool) {
	m := h.mine.Load()
	return uint32(m), uint32(m>>32) == epoch
}

// tokens are what takes the call up again: for each server the newest that it
// gave, and for one that gave none a token of our own, which no server knows: it
// may open the call anew.
type tokens struct {
	own string

	mu       sync.Mutex
	byServer map[string]string
}

func (t *tokens) forServer(server string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.byServer[server]; ok {
		return s
	}
	return t.own
}

func (t *tokens) take(server, token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byServer[server] = token
}

// forget is for a server on which the call has ended, while it goes on
// elsewhere.
func (t *tokens) forget(server string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byServer, server)
}

// event tells the operator what happened at the other side, and keeps the roster.
func (k *carrier) event(e *api.Event, now time.Duration) {
	who := e.GetParticipant()
	name := wire.Clean(who.GetDisplayName())
	if name == "" {
		name = "somebody"
	}
	c := noChange
	if !k.isRetired() {
		c = k.call.roster.take(k.number, e.GetKind(), who.GetId(), name, e.GetNewCall(), now)
		k.sound(c, now)
	}
	reason := wire.Clean(e.GetReason())
	var n callstate.Notice
	switch e.GetKind() {
	case api.Event_KIND_ANSWERED:
		version := wire.Clean(e.GetVersion())
		k.call.version.Store(&version)
		k.call.permit(e)
		return
	case api.Event_KIND_JOINED:
		n.Text, n.Presence = name+" joined.", true
	case api.Event_KIND_LEFT:
		n.Text, n.Presence = name+" left.", true
	case api.Event_KIND_HOLD, api.Event_KIND_RESUME, api.Event_KIND_DTMF:
		if n.Text = does(e, name, c); n.Text == "" {
			return
		}
		n.Private = e.GetKind() == api.Event_KIND_DTMF
	case api.Event_KIND_RESUME_TOKEN:
		if token := e.GetResumeToken(); token != "" && len(token) <= maxToken {
			k.call.tokens.take(k.server, token)
		}
		return
	case api.Event_KIND_DRAINING:
		k.tell(event{kind: carrierDraining, carrier: k})
		return
	case api.Event_KIND_ENDED:
		k.farewell = true
		n.Severity, n.Text = callstate.Warning, "The server ends this call"
		if reason != "" {
			n.Text += ": " + reason
		}
		n.Text += "."
	default:
		return
	}
	if !k.isRetired() { // a server that was left tells of a room that was left
		k.call.notice(n)
	}
}

// sound plays the cue of what became of the roster.
func (k *carrier) sound(c change, now time.Duration) {
	if !k.call.cfg.JoinTones {
		return
	}
	switch c {
	case hasJoined:
		k.call.cues.Ask(cue.Joined, now)
	case hasLeft:
		k.call.cues.Ask(cue.Left, now)
	case noChange, hasHeld, hasResumed:
	}
}

// does says what somebody does with the call, "" where that is no news. A digit of
// nobody comes back from an echo.
func does(e *api.Event, name string, c change) string {
	switch c {
	case hasHeld:
		return name + " holds the call."
	case hasResumed:
		return name + " is back."
	case noChange, hasJoined, hasLeft:
	}
	key, ok := wire.Digit(e.GetDigit())
	switch {
	case e.GetKind() != api.Event_KIND_DTMF || !ok:
		return ""
	case e.GetParticipant().GetId() == "":
		return fmt.Sprintf("The server heard %c.", key)
	}
	return fmt.Sprintf("%s pressed %c.", name, key)
}

// maxToken bounds what is kept of a server's token.
const maxToken = 1 << 10
