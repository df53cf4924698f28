package tui

import "callcenter/softphone/internal/callstate"

// listenOnlySnapshot is an encrypted call of a trainee, say, whom nobody hears.
func listenOnlySnapshot() callstate.Snapshot {
	s := roomSnapshot(team(3)...)
	s.MayNotSpeak, s.Speaking = true, false
	s.Link.Security = callstate.Security{Known: true, Encrypted: true, KnownBy: "its key is the one of 2026-11-26", Fingerprint: "SHA256:uFm2nqV3aJ8rYc5Zt0pKxE1wLdQ7hB4sGvT6oRiN9kM"}
	s.Verdict = callstate.Verdict{Good: "Nobody hears you: your token does not let you speak."}
	return s
}

// speakOnlySnapshot is a call that goes over the network in plain text.
func speakOnlySnapshot() callstate.Snapshot {
	s := roomSnapshot() // the server tells who may not listen of nobody
	s.MayNotListen = true
	s.Link.Security = callstate.Security{Known: true}
	s.Verdict = callstate.Verdict{Good: "You get through, confirmed 0.2 s ago; your token does not let you listen.", Heard: true}
	return s
}
