package phone

import (
	"time"

	"callcenter/api/wire"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
)

// Ledger takes down the calls, and what was dialed. Its methods are safe for
// concurrent use and return at once.
type Ledger interface {
	// Recent are the destinations that were dialed, the newest first, each once.
	Recent() []string
	// Dialed tells of one more.
	Dialed(destination string)
	// Note tells how a call is: once it is dialed, every few seconds while it goes
	// on, and with Ended set when it is over.
	Note(callstate.Past)
}

// noteEvery is how many looks at a call are one for the ledger: every 3 s, which
// is what the length of a call may lack whose softphone dies.
const noteEvery = 12

// DirectoryChanged tells the screen to ask for the Directory again: what earlier
// runs have dialed is known.
func (p *Phone) DirectoryChanged() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signal()
}

// opens takes down a call that is dialed, and what was dialed unless that cannot
// be right.
func (p *Phone) opens(id, destination string) {
	p.note(func(past *callstate.Past) {
		*past = callstate.Past{
			CallID: id, Start: time.Now(),
			Destination: destination, Name: p.nameOf(destination), Server: p.cfg.Servers[0],
		}
	})
	if p.cfg.Ledger != nil && wire.CheckDestination(destination) == nil {
		p.cfg.Ledger.Dialed(destination)
	}
}

// goesOn takes down how the call is by now.
func (p *Phone) goesOn(s *callstate.Snapshot) {
	p.note(func(past *callstate.Past) {
		past.Length, past.Server = s.Duration, s.Server
		past.MOS = 0
		if s.Quality.Known {
			past.MOS = s.Quality.MOS
		}
		past.ConcealedPct = s.Traffic.ConcealedPct
		past.Gaps, past.Gap = gaps(s.Link.Resumes, s.Link.State == callstate.LinkLost, s.Link.Gap), s.Link.Gap
	})
}

// closes takes down the end of the call, which may have been lost in a gap.
func (p *Phone) closes(r call.Report, inGap bool) {
	p.note(func(past *callstate.Past) {
		past.Length = seconds(r.DurationS)
		past.MOS = 0
		if r.MOSEst != nil {
			past.MOS = *r.MOSEst
		}
		past.ConcealedPct = r.ConcealedPct
		past.Gap = seconds(r.GapS)
		past.Gaps = gaps(r.Reconnects, inGap, past.Gap)
		past.Ended, past.Err = r.Ended, r.Error
	})
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// gaps are the times without a connection that works: those that ended with
// another one, and that of now. Those that a connection lived through are in the
// sum alone, and count as one where there is no other.
func gaps(resumes uint64, now bool, sum time.Duration) uint64 {
	if now {
		resumes++
	}
	if resumes == 0 && sum > 0 {
		return 1
	}
	return resumes
}

// note changes what is known of the call and tells the ledger. No call is better
// than its worst minute: where seconds that were not rated make it so, the minute
// has its rating.
func (p *Phone) note(change func(*callstate.Past)) {
	if p.cfg.Ledger == nil {
		return
	}
	p.mu.Lock()
	change(&p.past)
	past := &p.past
	past.WorstMOS = min(p.findings.WorstMOS, past.MOS)
	if p.findings.WorstMOS == 0 {
		past.WorstMOS = past.MOS
	}
	told := *past
	p.mu.Unlock()
	p.cfg.Ledger.Note(told)
}
