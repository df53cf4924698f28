package call

import (
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/sendq"
	"callcenter/codec/pcm"
)

// hang stands still for as long as pcm lasts, while the far end goes on to say
// it. What it says comes as it is said if this side still receives, and in one
// burst at the end if it does not, as after a process was stopped.
func (p *path) hang(said []int16, receives bool) {
	p.tb.Helper()
	var backlog []sendq.Frame
	for ; len(said) >= audio.PeriodSamples; said = said[audio.PeriodSamples:] {
		p.now += audio.Period
		p.call.cfg.Capture.Deliver(said[:audio.PeriodSamples])
		if pos, ok := p.call.cfg.Capture.Read(p.uplink.frame); ok {
			if err := p.call.sendFrame(p.uplink, pos); err != nil {
				p.tb.Fatal(err)
			}
		}
		for p.call.queue.Pop(&p.frame, p.now) {
			if receives {
				p.pass()
				continue
			}
			f := p.frame
			f.Data = append([]byte(nil), f.Data...)
			backlog = append(backlog, f)
			p.call.queue.Ack(f.Sequence)
		}
	}
	for _, p.frame = range backlog {
		p.pass()
	}
}

// TestABacklogIsNeverPlayed stops what plays for ten seconds while the other
// side talks on, and wants the delay back within one.
func TestABacklogIsNeverPlayed(t *testing.T) {
	const hung = 10
	for name, receives := range map[string]bool{
		"the process was stopped":  false,
		"the earpiece was stopped": true,
	} {
		t.Run(name, func(t *testing.T) {
			cfg := unprotected(false)
			cfg.Codec = pcm.Codec{}
			p := newPath(t, cfg)
			voice := audiotest.Speech((10+hung+5)*second, 9)
			p.say(voice[:10*second])
			before := p.call.playout.Stats()
			p.hang(voice[10*second:][:hung*second], receives)
			at := len(p.played)
			p.say(voice[(10+hung)*second:][:second])
			for rest := voice[(10+hung+1)*second:]; len(rest) > 0; rest = rest[second/10:] {
				if s := p.call.playout.Stats(); s.Delay > before.Delay+20*time.Millisecond {
					t.Fatalf("a delay of %v a second later, it was %v", s.Delay, before.Delay)
				}
				p.say(rest[:second/10])
			}
			// What is heard two seconds later is what is said then.
			heard, said := p.played[at+2*second:][:second/10], voice[(10+hung+1)*second:]
			pos, rho := audiotest.Find(heard, said, second*7/10, second)
			if late := second - pos; rho < 0.9 || late < 0 || late > second/5 {
				t.Errorf("what is heard is %v old (likeness %.2f)", audio.Duration(late), rho)
			}
			s := p.call.playout.Stats()
			t.Logf("delay %v before, %v after; %v skipped, %d discarded", before.Delay, s.Delay,
				audio.Duration(int(s.SkippedSamples)), s.PacketsDiscarded)
		})
	}
}
