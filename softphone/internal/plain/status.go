package plain

import (
	"fmt"
	"strings"
	"time"

	"callcenter/audio"
	"callcenter/softphone/internal/callstate"
)

// statusLines are how the line is, and what the call suffers from.
func statusLines(s *callstate.Snapshot) []string {
	if s.State == callstate.Idle {
		line := "Idle"
		if s.Duration > 0 {
			line += "; the last call took " + lasted(s.Duration)
		}
		return append([]string{line + "; the server is " + name(server(s)) + "."}, settingLines(s)...)
	}
	line := capital(s.State.String()) + ": " + name(s.Destination)
	if s.Duration > 0 {
		line += " for " + lasted(s.Duration)
	}
	line += ", at " + name(server(s))
	if s.Codec != "" && s.FrameMS > 0 {
		line += fmt.Sprintf(", %s in frames of %d ms", name(s.Codec), s.FrameMS)
	}
	out := []string{line + ".", microphoneLine(s)}
	if s.Held {
		out = append(out, "You hold the call.")
	}
	out = append(out, accessLines(s)...)
	out = append(out, verdictLine(s)...)
	if l := linkLine(s.Link); l != "" {
		out = append(out, l)
	}
	if s.Training.On() {
		out = append(out, trainingLine(s.Training))
	}
	for _, end := range []struct {
		what string
		open *audio.Endpoint
		end  callstate.End
	}{{"Microphone", s.MicrophoneOpen, s.MicrophoneEnd}, {"Earpiece", s.EarpieceOpen, s.EarpieceEnd}} {
		out = append(out, end.what+": "+opened(end.open)+ailing(end.end)+".")
	}
	return append(out, settingLines(s)...)
}

// accessLines are what the token does not allow, and how the connection is secured.
func accessLines(s *callstate.Snapshot) []string {
	var out []string
	if s.MayNotSpeak {
		out = append(out, "Listen only: your token does not let you speak, and nobody hears you.")
	}
	if s.MayNotListen {
		out = append(out, "Speak only: your token does not let you listen, and you hear nobody.")
	}
	switch v := s.Link.Security; {
	case v.Open():
		out = append(out, "The call is not encrypted: whoever is in between can hear it.")
	case v.Encrypted:
		out = append(out, "The call is encrypted, and the server known: "+v.KnownBy+".")
	}
	return out
}

// verdictLine is what the call suffers from, or why all is well.
func verdictLine(s *callstate.Snapshot) []string {
	switch v := s.Verdict; {
	case len(v.Troubles) > 0:
		return []string{sentence(callstate.Join(v.Troubles))}
	case v.Good != "":
		return []string{sentence(v.Good)}
	}
	return nil
}

// linkLine is what the connection went through; "" is nothing.
func linkLine(l callstate.Link) string {
	var parts []string
	if l.State != callstate.LinkUp {
		parts = append(parts, "nothing has come for "+callstate.Spell(l.Quiet))
	}
	if l.Draining {
		parts = append(parts, "the server is about to end, the call moves")
	}
	if l.Resumes > 0 || l.Gap > 0 {
		parts = append(parts, gaps(l))
	}
	if len(parts) == 0 {
		return ""
	}
	return "The link: " + strings.Join(parts, "; ") + "."
}

// gaps are what a call went without.
func gaps(l callstate.Link) string {
	text := callstate.Spell(l.Gap) + " without a connection"
	if l.Resumes > 0 {
		text += ", resumed " + callstate.Times(l.Resumes)
	}
	return text
}

// settingLines are what is set for calls.
func settingLines(s *callstate.Snapshot) []string {
	noise := either(s.CleanUp.Denoise, "on", "off")
	if !s.CleanUp.CanDenoise {
		noise = "not built in"
	}
	return []string{
		fmt.Sprintf("Microphone %s; ear volume %s; own sounds %s.", gain(s.Gains.Microphone), gain(s.Gains.Earpiece), either(s.Sounds, "on", "off")),
		fmt.Sprintf("High-pass %s, noise suppression %s, level control %s.", either(s.CleanUp.HighPass, "on", "off"), noise, either(s.CleanUp.Level, "on", "off")),
	}
}

// server is the one in use, of several.
func server(s *callstate.Snapshot) string {
	text := s.Link.Server
	if text == "" {
		text = s.Server
	}
	if s.Link.Servers > 1 {
		text += fmt.Sprintf(", one of %d", s.Link.Servers)
	}
	return text
}

// opened is what was granted of a device.
func opened(e *audio.Endpoint) string {
	if e == nil {
		return "not open"
	}
	text := name(e.Name)
	if text == "" {
		text = "open"
	}
	if e.Rate > 0 {
		text += fmt.Sprintf(", %d Hz", e.Rate)
	}
	switch {
	case e.Channels == 1:
		text += ", mono"
	case e.Channels == 2:
		text += ", stereo"
	case e.Channels > 2:
		text += fmt.Sprintf(", %d channels", e.Channels)
	}
	if e.Period > 0 {
		text += fmt.Sprintf(", period %s", ms(e.Period))
	}
	return text
}

// ailing is what is the matter with an end, behind its name.
func ailing(e callstate.End) string {
	text := ""
	if e.State != callstate.EndOpen {
		text = ", " + e.State.String() + " for " + callstate.Spell(e.Since)
	}
	if e.Reopens > 0 {
		text += ", opened again " + callstate.Times(e.Reopens)
	}
	return text
}

// notTold stands for a room's participants where the server names none.
const notTold = "Who else is in the room is not told: your token does not let you listen."

// whoLines are who is in the room.
func whoLines(s *callstate.Snapshot) []string {
	if !s.InRoom() {
		return []string{either(s.State.Connected(), "This call is to no room.", "There is no call.")}
	}
	n := len(s.Roster) + s.Unlisted
	if n == 0 && s.MayNotListen {
		return []string{notTold}
	}
	head := fmt.Sprintf("%d others are in the room.", n)
	switch n {
	case 0:
		head = "Nobody else is in the room."
	case 1:
		head = "1 other is in the room."
	}
	if s.Link.State != callstate.LinkUp {
		head += " That was before the connection broke."
	}
	out := []string{head}
	for i, p := range s.Roster {
		if i == mostLines {
			out = append(out, fmt.Sprintf("And %d more.", n-i))
			return out
		}
		out = append(out, who(p)+": "+doing(p)+".")
	}
	if s.Unlisted > 0 {
		out = append(out, fmt.Sprintf("And %d more.", s.Unlisted))
	}
	return out
}

// mostLines is how many lines of a list are told at once.
const mostLines = 40

// doing is what somebody in a room does.
func doing(p callstate.Participant) string {
	var parts []string
	switch {
	case p.Speaking && p.Level > callstate.SilentLevel:
		parts = append(parts, fmt.Sprintf("speaks, %d dBov", p.Level))
	case p.Speaking:
		parts = append(parts, "speaks")
	}
	if p.Held {
		parts = append(parts, "holds the call")
	}
	if p.Muted {
		parts = append(parts, "muted")
	}
	if len(parts) == 0 {
		return "listens"
	}
	return strings.Join(parts, ", ")
}

// levelLines are how loud both ends are.
func levelLines(s *callstate.Snapshot) []string {
	if s.MicrophoneOpen == nil && s.EarpieceOpen == nil {
		return []string{"Nothing is open: dial, or type devices."}
	}
	mic := "Microphone: " + level(s.Microphone)
	switch s.Silence {
	case callstate.ExactZeros:
		mic += ", exact zeros: is it muted on the headset?"
	case callstate.FlatLevel:
		mic += ", a flat level: is its plug loose?"
	case callstate.NoCallbacks:
		mic += ", it brings nothing"
	case callstate.NoSilence:
	}
	out := []string{sentence(mic), "Earpiece: " + level(s.Earpiece) + "."}
	if s.CleanUp.Level {
		out = append(out, fmt.Sprintf("The level control turns your speech by %+.0f dB.", s.CleanUp.Gain))
	}
	if p := s.Protection; p.On {
		text := fmt.Sprintf("The ear is protected from peaks over %g dBFS", p.Ceiling)
		if p.Gain < -0.05 {
			text += fmt.Sprintf(", now by %.0f dB", p.Gain)
		}
		if p.Limited > 0 {
			text += ", so far for " + samples(p.Limited)
		}
		out = append(out, text+".")
	}
	return out
}

// level is a meter in words. Speech is good from -28 to -16 dBFS RMS.
func level(m callstate.Meter) string {
	if m.Hold <= silentMeter && m.RMS <= silentMeter {
		return "silence"
	}
	text := fmt.Sprintf("%s dBFS RMS, highest peak %s dBFS", dBFS(m.RMS), dBFS(m.Hold))
	if m.Clip {
		text += ", too loud: it clips"
	}
	return text
}

// silentMeter is a level that nobody hears, dBFS.
const silentMeter = -90.0

func dBFS(x float64) string {
	return fmt.Sprintf("%.0f", min(max(x, -120), 0))
}

// ms is a duration in milliseconds, with a decimal below ten.
func ms(d time.Duration) string {
	x := float64(d) / float64(time.Millisecond)
	if x > -9.95 && x < 9.95 {
		return fmt.Sprintf("%.1f ms", x)
	}
	return fmt.Sprintf("%.0f ms", x)
}

// percent never shows something as nothing.
func percent(p float64) string {
	if p > 0 && p < 0.05 {
		return "less than 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", p)
}

// samples is how long so many are.
func samples(n uint64) string {
	const perMS = audio.Rate / 1000
	switch {
	case n > 0 && n < perMS:
		return "less than 1 ms"
	case n < 10*audio.Rate:
		return fmt.Sprintf("%d ms", n/perMS)
	}
	return fmt.Sprintf("%d s", n/audio.Rate)
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
