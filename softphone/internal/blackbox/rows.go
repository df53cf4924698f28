package blackbox

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"callcenter/softphone/internal/callstate"
)

// Row is how a call looked at one moment. Delays are in ms, levels in dBFS RMS,
// counters since the call began.
type Row struct {
	At                               time.Duration
	State, Link                      string
	RTT, Jitter, Buffer, Target      float64
	MouthToEarEst                    float64
	MOSEst, LossPct, ConcealedPct    float64
	Sent, Received, Lost, Dropped    uint64
	Late, Stalls, Skipped, Underruns uint64
	Muted, Held, Speaking            bool
	MicrophoneLevel, EarpieceLevel   float64
	MicrophoneEnd, EarpieceEnd       string
	Microphone, Earpiece             string // devices
	RemoteConcealedPct, RemoteMOSEst float64
	Stages                           string // "name ms, ..."; what is not measured is "est."
	Troubles                         string // what the verdict names; "" while all is well
}

func rowOf(s *callstate.Snapshot, now time.Duration) Row {
	r := Row{
		At: now, State: s.State.String(), Link: s.Link.State.String(),
		RTT: millis(s.Delay.RTT), Jitter: millis(s.Delay.Jitter), Buffer: millis(s.Delay.Buffer), Target: millis(s.Delay.Target),
		MouthToEarEst: millis(s.Delay.MouthToEarEst),
		MOSEst:        s.Quality.MOS, LossPct: s.Quality.LossPct, ConcealedPct: s.Traffic.ConcealedPct,
		Sent: s.Traffic.Sent, Received: s.Traffic.Received, Lost: s.Traffic.Lost, Dropped: s.Traffic.Dropped,
		Late: s.Traffic.Late, Stalls: s.Counts.Stalls, Skipped: s.Counts.Skipped, Underruns: s.Traffic.Underruns,
		Muted: s.Muted, Held: s.Held, Speaking: s.Speaking,
		MicrophoneLevel: s.Microphone.RMS, EarpieceLevel: s.Earpiece.RMS,
		MicrophoneEnd: s.MicrophoneEnd.State.String(), EarpieceEnd: s.EarpieceEnd.State.String(),
		RemoteConcealedPct: s.Remote.ConcealedPct, RemoteMOSEst: s.Remote.MOS,
		Stages: stages(s.Delay.Stages),
	}
	if s.MicrophoneOpen != nil {
		r.Microphone = s.MicrophoneOpen.Name
	}
	if s.EarpieceOpen != nil {
		r.Earpiece = s.EarpieceOpen.Name
	}
	troubles := make([]string, 0, len(s.Verdict.Troubles))
	for _, t := range s.Verdict.Troubles {
		troubles = append(troubles, t.String())
	}
	r.Troubles = strings.Join(troubles, "; ")
	return r
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func stages(list []callstate.Stage) string {
	parts := make([]string, 0, len(list))
	for _, s := range list {
		est := ""
		if !s.Measured {
			est = " est."
		}
		parts = append(parts, fmt.Sprintf("%s %.1f%s", s.Name, millis(s.Delay), est))
	}
	return strings.Join(parts, ", ")
}

// rated is a MOS, "" where there is none.
func rated(mos float64) string {
	if mos == 0 {
		return ""
	}
	return decimal(mos, 2)
}

// secondsHead is the first line of seconds.csv, and cells a row of it.
func secondsHead() []string {
	return strings.Fields("at_s state link rtt_ms jitter_ms buffer_ms target_ms mouth_to_ear_est_ms mos_est loss_pct concealed_pct " +
		"sent received lost dropped late stalls skipped underruns muted held speaking microphone_dbfs earpiece_dbfs " +
		"microphone_end earpiece_end remote_concealed_pct remote_mos_est microphone earpiece troubles stages")
}

func (r *Row) cells(at time.Duration) []string {
	return []string{
		decimal(at.Seconds(), 3), r.State, r.Link, decimal(r.RTT, 1), decimal(r.Jitter, 1), decimal(r.Buffer, 1), decimal(r.Target, 1),
		decimal(r.MouthToEarEst, 1), rated(r.MOSEst), decimal(r.LossPct, 2), decimal(r.ConcealedPct, 2),
		number(r.Sent), number(r.Received), number(r.Lost), number(r.Dropped), number(r.Late), number(r.Stalls),
		number(r.Skipped), number(r.Underruns), yes(r.Muted), yes(r.Held), yes(r.Speaking),
		decimal(r.MicrophoneLevel, 1), decimal(r.EarpieceLevel, 1), r.MicrophoneEnd, r.EarpieceEnd,
		decimal(r.RemoteConcealedPct, 2), rated(r.RemoteMOSEst), r.Microphone, r.Earpiece, r.Troubles, r.Stages,
	}
}

func decimal(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }

func number[T uint64 | uint32 | int64 | int](n T) string { return fmt.Sprint(n) }

func yes(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// table makes a file of comma-separated values.
type table struct {
	bytes.Buffer
	w *csv.Writer
}

func newTable(head []string) *table {
	t := &table{}
	t.w = csv.NewWriter(t)
	t.add(head)
	return t
}

func (t *table) add(cells []string) { _ = t.w.Write(cells) } // memory takes all

func (t *table) content() []byte {
	t.w.Flush()
	return t.Bytes()
}
