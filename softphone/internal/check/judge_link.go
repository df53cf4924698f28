package check

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/phone"
)

const (
	// slowTrip and wildJitter are what the call quality warnings of Twilio's voice
	// SDK take for too much, as package diagnose does, and missingPct its loss.
	slowTrip   = 400.0 // ms
	wildJitter = 30.0  // ms
	missingPct = 3.0
	// The loop of an echo call is the way of one direction between two operators.
	// The E-model takes 0.1 off the MOS at 200 ms; 400 ms is the limit of ITU-T
	// G.114. The devices, 30 ms and more, come on top.
	slowLoop, longLoop = 200.0, 400.0
	// longStall is one that nobody takes for a short gap.
	longStall = time.Second
	// excused is what a stall may last beyond the time in which this computer did
	// not run, to be no fault of the link.
	excused = 500 * time.Millisecond
)

// judge adds the lines of the connection, measured by a computer that was in time or
// not.
func (l *link) judge(to *lines, servers []string, inTime bool) {
	const (
		server, encryption, trip, jitter, loop, stalls = "server", "encryption", "round_trip", "jitter", "loop_delay", "link"
	)
	titles := map[string]string{
		server: "Server", encryption: "Encryption", trip: "Round trip", jitter: "Jitter", loop: "Loop delay", stalls: "Link",
	}
	v := l.serverView(servers)
	to.add(server, titles[server], v)
	if v.grade == callstate.GradeFail {
		why := "no server answered"
		if l.answered != 0 {
			why = "the call did not last"
		}
		for _, k := range []string{encryption, trip, jitter, loop, stalls} {
			to.add(k, titles[k], untested("%s", why))
		}
		return
	}
	to.add(encryption, titles[encryption], encryptionView(l.server.Security))
	stalled := l.stallView(inTime)
	why := ""
	switch {
	case !inTime:
		why = "this computer is late"
	case stalled.grade != callstate.GradePass:
		why = "the link stalls"
	case v.grade != callstate.GradePass:
		why = "the server is not well"
	}
	// What is beyond its threshold for another reason has that one's line.
	explained := func(v view) view {
		if why != "" && v.grade != callstate.GradePass {
			return untested("%s", why)
		}
		return v
	}
	to.add(trip, titles[trip], explained(l.tripView()))
	to.add(jitter, titles[jitter], explained(l.jitterView()))
	to.add(loop, titles[loop], explained(l.loopView()))
	to.add(stalls, titles[stalls], stalled)
}

// serverView is whether a server answers, and does well.
func (l *link) serverView(servers []string) view {
	p := l.outcome.Load()
	name := l.server.Server
	if name == "" {
		name = strings.Join(servers, ", ")
	}
	v := pass(nil, "%s answers", name)
	switch {
	case p.err != nil || l.answered == 0:
		v.finding = name + ": no answer within the time of the check"
		if p.err != nil {
			v.finding = p.err.Error()
		}
		if errors.As(p.err, new(*phone.RefusalError)) {
			return v.but(callstate.GradeFail, "Do what this says: the network is not the cause. The check calls echo, which your token has to allow.")
		}
		return v.but(callstate.GradeFail, "Ask the administrator whether the server runs, check the network cable or Wi-Fi, or name another with --server.")
	case l.has(callstate.KindServerGone):
		v.finding = fmt.Sprintf("%s was lost for %s", name, spell(l.troubles[callstate.KindServerGone].longest))
		return v.but(callstate.GradeFail, "The connection breaks: check the network cable or Wi-Fi, and ask the administrator whether the server restarted.")
	case l.has(callstate.KindServer):
		v.finding = name + " answers, but: " + l.troubles[callstate.KindServer].text
		return v.but(callstate.GradeWarn, "Tell the administrator: it has too many calls, or is about to end.")
	}
	return v
}

func (l *link) tripView() view {
	t := l.outcome.Load().report.RTTMS
	if t.P50 == nil || t.P95 == nil || t.Max == nil {
		return untested("nothing came back")
	}
	v := pass(figures{"p50_ms": *t.P50, "p95_ms": *t.P95, "max_ms": *t.Max}, "%.1f / %.1f / %.1f ms (p50/p95/max)", *t.P50, *t.P95, *t.Max)
	if *t.P50 > slowTrip {
		return v.but(callstate.GradeWarn, "The server is far away: use one nearby, or leave the VPN.")
	}
	return v
}

func (l *link) jitterView() view {
	j, ok := l.usualJitter()
	if !ok {
		return untested("nothing came back")
	}
	v := pass(figures{"jitter_ms": j}, "%.1f ms", j)
	if j > wildJitter {
		return v.but(callstate.GradeWarn, "Packets come unevenly: use a cable rather than Wi-Fi, and end uploads and downloads.")
	}
	return v
}

func (l *link) loopView() view {
	p := l.outcome.Load().report.LoopMS
	if p == nil || p.P50 == nil || p.P95 == nil {
		return untested("nothing came back")
	}
	v := pass(figures{"p50_ms": *p.P50, "p95_ms": *p.P95}, "%.0f / %.0f ms (p50/p95), without the devices", *p.P50, *p.P95)
	const advice = "Conversation will drag: use a cable rather than Wi-Fi, a server nearby, and no VPN."
	switch {
	case *p.P50 > longLoop:
		return v.but(callstate.GradeFail, advice)
	case *p.P50 > slowLoop:
		return v.but(callstate.GradeWarn, advice)
	}
	return v
}

// stallView is whether the link stood still, and which way.
func (l *link) stallView(inTime bool) view {
	p := l.outcome.Load().report
	f := figures{"concealed_pct": p.ConcealedPct, "dropped": float64(p.Dropped)}
	var (
		parts  []string
		worst  time.Duration
		stalls int
	)
	for _, way := range []struct {
		kind callstate.Kind
		name string
	}{{callstate.KindUplink, "uplink"}, {callstate.KindDownlink, "downlink"}} {
		t := l.troubles[way.kind]
		if t == nil {
			f[way.name+"_stalls"] = 0
			continue
		}
		worst, stalls = max(worst, t.longest), stalls+t.times
		f[way.name+"_stalls"], f[way.name+"_longest_ms"] = float64(t.times), ms(t.longest)
		text := fmt.Sprintf("%s stood still %s, %s at longest", way.name, callstate.Times(t.times), callstate.Spell(t.longest))
		if strings.Contains(t.text, "missing") && t.longest == 0 {
			text = t.text
		}
		parts = append(parts, text)
	}
	v := pass(f, "no stalls, %.1f %% made up", p.ConcealedPct)
	const advice = "Use a cable rather than Wi-Fi, end uploads and downloads, and tell the administrator which way it stalls."
	switch {
	case len(parts) > 0 && !inTime && worst <= l.late+excused:
		return untested("this computer is late")
	case len(parts) > 0:
		v.finding = strings.Join(parts, "; ")
		if worst > longStall || stalls > 1 {
			return v.but(callstate.GradeFail, advice)
		}
		return v.but(callstate.GradeWarn, advice)
	case p.ConcealedPct > missingPct && inTime:
		v.finding = fmt.Sprintf("no long stall, but %.1f %% of what is heard is made up", p.ConcealedPct)
		return v.but(callstate.GradeWarn, advice)
	case p.ConcealedPct > missingPct:
		return untested("this computer is late")
	}
	return v
}
