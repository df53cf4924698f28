package e2e

import (
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"callcenter/audio"
	"callcenter/audio/level"
	"callcenter/audio/protect"
)

// Speech has peaks 16 to 20 dB above its RMS. Under a ceiling that lets them
// pass, ear protection must leave it alone, also the first words of a call.
func TestEarProtectionLeavesOrdinarySpeechAlone(t *testing.T) {
	const text = "Good morning, you are speaking with the service desk. How may I help you today? Yes! Exactly, " +
		"that is what happened, thank you very much for waiting."
	for _, voice := range []string{"en", "en-us+f3", "en-gb+m7", "de", "fr+f2", "es+m3", "en+whisper"} {
		raw := filepath.Join(t.TempDir(), "voice.wav")
		if out, err := exec.Command("espeak-ng", "-v", voice, "-w", raw, text).CombinedOutput(); err != nil {
			t.Fatalf("this test needs the package `espeak-ng`: %v %s", err, out)
		}
		said := readWAV(t, raw)
		var active []int16
		for part := range slices.Chunk(said, audio.PeriodSamples) {
			if level.RMS(part) > -50 {
				active = append(active, part...)
			}
		}
		for _, dBFS := range []float64{-30, -22, -16} {
			gain := math.Pow(10, (dBFS-level.RMS(active))/20)
			pcm := make([]int16, len(said))
			for i, x := range said {
				pcm[i] = int16(min(max(float64(x)*gain, -32767), 32767))
			}
			l := protect.New(protect.MaxCeiling)
			for part := range slices.Chunk(pcm, audio.PeriodSamples) {
				l.Process(part)
			}
			if pct := 100 * float64(l.Limited()) / float64(len(pcm)); pct >= 1 {
				t.Errorf("voice %s at %g dBFS RMS: %.1f %% of its samples are turned down", voice, dBFS, pct)
			}
		}
	}
}
