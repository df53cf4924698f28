//go:build !race

package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/softphone/e2e/pulse"
)

func TestSpeechComesBackWholeAndInOrder(t *testing.T) {
	s := startServer(t)
	said := speech(t, 9)
	in := writeWAV(t, "speech.wav", said)
	eventually(t, func(t *testing.T) (wrong []string) {
		t.Helper()
		out := filepath.Join(t.TempDir(), "out.wav")
		r := runPhone(t, nil, "call", "echo", "--server", s.address, "--capture", "file:"+in,
			"--playback", "file:"+out, "--duration", "10s", "--json")
		if r.code != 0 {
			t.Fatalf("exit code %d: %s", r.code, r.stderr.String())
		}
		rep := r.report(t)
		if rep.LoopMS == nil || rep.MouthToEarEstMS == nil || rep.RTTMS.P50 == nil || rep.MOSEst == nil {
			t.Fatalf("the report lacks a figure: %s", r.stdout.String())
		}
		if rep.Lost != 0 || rep.Dropped != 0 || rep.ConcealedPct >= 0.5 {
			wrong = append(wrong, fmt.Sprintf("lost %d, dropped %d, concealed %v %%; want 0, 0, under 0.5", rep.Lost, rep.Dropped, rep.ConcealedPct))
		}
		if rep.DurationS < 9.9 || rep.DurationS > 13 {
			wrong = append(wrong, fmt.Sprintf("the call lasted %v s, want about 10", rep.DurationS))
		}
		return append(wrong, listen(t, readWAV(t, out), said)...)
	})
}

func TestPCMInShortFramesComesBackAsItWas(t *testing.T) {
	s := startServer(t)
	said := speech(t, 3)
	in := writeWAV(t, "speech.wav", said)
	eventually(t, func(t *testing.T) []string {
		t.Helper()
		out := filepath.Join(t.TempDir(), "out.wav")
		r := runPhone(t, nil, "call", "echo", "--server", s.address, "--codec", "pcm", "--frame", "10ms",
			"--dtx=false", "--ear-protection=false",
			"--capture", "file:"+in, "--playback", "file:"+out, "--duration", "3s", "--json")
		rep := r.report(t)
		if r.code != 0 || rep.Codec != "pcm" || rep.FrameMS != 10 || rep.Lost != 0 || rep.Sent < 290 {
			t.Fatalf("exit code %d, %+v: %s", r.code, rep, r.stderr.String())
		}
		return listenClosely(t, readWAV(t, out), said[:2*audio.Rate])
	})
}

// listenClosely says if more than two of the parts of speech that were heard are
// not as they were said, to the sample: a playout that finds its delay changes the
// length of one or two, at a place that is the same each time.
func listenClosely(t *testing.T, heard, said []int16) []string {
	t.Helper()
	exact, parts := 0, pulse.Trace(heard, said)
	parts = slices.DeleteFunc(parts, func(p pulse.Part) bool { return level.RMS(said[p.From:p.From+pulse.PartSamples]) < -50 })
	for i, p := range parts {
		if p.Correlation > 0.999 && (i == 0 || p.At > parts[i-1].At) {
			exact++
		}
	}
	t.Logf("%d of %d parts of 200 ms are as they were said: %.3v", exact, len(parts), parts)
	if exact < len(parts)-2 {
		return []string{fmt.Sprintf("%d of %d parts are as they were said: %.3v", exact, len(parts), parts)}
	}
	return nil
}

// listen says what is wrong with what was heard: each 200 ms of speech must be
// there, in order, with a steady delay. It compares below 4 kHz, where voices are: above, Opus keeps
// the noise of sibilants in kind, not in shape, also on a perfect path. Pauses
// say nothing and are passed over.
func listen(t *testing.T, heard, said []int16) (wrong []string) {
	t.Helper()
	var (
		delays  []int
		lowest  = 1.0
		silence = -35.0 // dBFS
	)
	heard, said = lowPass(lowPass(heard)), lowPass(lowPass(said))
	for _, p := range pulse.Trace(heard, said) {
		if level.RMS(said[p.From:p.From+pulse.PartSamples]) < silence {
			continue
		}
		lowest = min(lowest, p.Correlation)
		if p.Correlation < 0.85 { // Opus makes 0.899 of one part, or 0.911, as its frames fall
			wrong = append(wrong, fmt.Sprintf("speech at %.1f s: correlation %.2f, want 0.85", float64(p.From)/audio.Rate, p.Correlation))
		}
		delays = append(delays, p.At-p.From)
	}
	if len(delays) < 10 {
		t.Fatalf("only %d parts of speech to compare", len(delays))
	}
	for i := 1; i < len(delays); i++ {
		if d := delays[i] - delays[i-1]; d < -1920 || d > 1920 {
			wrong = append(wrong, fmt.Sprintf("part %d came %.0f ms off its neighbour, want 40 at most", i, float64(d)/48))
		}
	}
	t.Logf("%d parts of 200 ms, lowest correlation %.3f, delay in the files %.1f to %.1f ms",
		len(delays), lowest, ms(least(delays)), ms(most(delays)))
	return wrong
}

// lowPass is a moving average of 12 samples: zero at 4 kHz.
func lowPass(pcm []int16) []int16 {
	const width = 12
	out := make([]int16, len(pcm))
	sum := 0
	for i, s := range pcm {
		sum += int(s)
		if i >= width {
			sum -= int(pcm[i-width])
		}
		out[i] = int16(sum / width)
	}
	return out
}

func ms(samples int) float64 { return float64(samples) / 48 }

func least(v []int) int {
	m := v[0]
	for _, x := range v {
		m = min(m, x)
	}
	return m
}

func most(v []int) int {
	m := v[0]
	for _, x := range v {
		m = max(m, x)
	}
	return m
}
