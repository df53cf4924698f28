package sound_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"callcenter/audio"
	"callcenter/audio/device"
	"callcenter/audio/file"
	"callcenter/audio/port"
	"callcenter/softphone/e2e/pulse"
	"callcenter/softphone/internal/sound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openCapture(t *testing.T, spec string) (sound.Stream, *port.Capture) {
	t.Helper()
	p := port.NewCapture(audio.NewClock())
	s, err := sound.OpenCapture(t.Context(), spec, p, sound.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func openPlayback(t *testing.T, spec string) (sound.Stream, *port.Playback) {
	t.Helper()
	p := port.NewPlayback(audio.NewClock())
	s, err := sound.OpenPlayback(t.Context(), spec, p, sound.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func start(t *testing.T, s sound.Stream) {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
}

func closeAll(t *testing.T, streams ...sound.Stream) {
	t.Helper()
	for _, s := range streams {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// writeWAV writes a file of one value throughout.
func writeWAV(t *testing.T, samples int, value int16) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.wav")
	w, err := file.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(slices.Repeat([]int16{value}, samples)), w.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAToneFlowsFromStartToClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := openCapture(t, "tone:440")
		time.Sleep(time.Second)
		if n := p.Stats().Callbacks; n != 0 {
			t.Errorf("%d periods came before Start", n)
		}
		start(t, s)
		start(t, s)
		time.Sleep(105 * time.Millisecond)
		pcm := make([]int16, audio.PeriodSamples)
		for range 2 {
			if _, ok := p.Read(pcm); !ok {
				t.Fatal("nothing was delivered")
			}
		}
		// -20 dBFS is a tenth of full scale.
		if peak := slices.Max(pcm); peak < 3200 || peak > 3300 {
			t.Errorf("the tone's peak is %d, want about 3277", peak)
		}
		closeAll(t, s, s)
		if n := p.Stats().Callbacks; n != 10 {
			t.Errorf("%d periods in 105 ms, want 10", n)
		}
		time.Sleep(time.Second)
		if n := p.Stats().Callbacks; n != 10 {
			t.Error("the tone goes on after Close")
		}
		if err := s.Start(); err == nil {
			t.Error("a closed stream was started")
		}
	})
}

func TestNullIsSilentAndSwallows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mic, in := openCapture(t, "null")
		ear, out := openPlayback(t, "null")
		start(t, mic)
		start(t, ear)
		out.Write(make([]int16, audio.PeriodSamples))
		time.Sleep(15 * time.Millisecond)
		pcm := []int16{1, 2, 3}
		if _, ok := in.Read(pcm); !ok || slices.Max(pcm) != 0 {
			t.Errorf("the microphone gave %v", pcm)
		}
		if out.Buffered() != 0 {
			t.Error("the earpiece took nothing")
		}
		closeAll(t, mic, ear)
		for _, s := range []sound.Stream{mic, ear} {
			if e := s.Endpoint(); e.Backend != "null" || e.Rate != audio.Rate {
				t.Errorf("opened %+v", e)
			}
		}
	})
}

func TestWhatIsPlayedIsInTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "out.wav")
	synctest.Test(t, func(t *testing.T) {
		ear, out := openPlayback(t, "file:"+path)
		if e := ear.Endpoint(); e.Backend != "file" || e.Name != "out.wav" || e.Rate != audio.Rate || e.Channels != 1 {
			t.Errorf("opened %+v", e)
		}
		start(t, ear)
		out.Write(slices.Repeat([]int16{1000}, 3*audio.PeriodSamples))
		time.Sleep(55 * time.Millisecond)
		closeAll(t, ear)
	})
	r, err := file.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if r.Duration() != 50*time.Millisecond {
		t.Errorf("the file plays %v, want 50 ms", r.Duration())
	}
	pcm := make([]int16, 5*audio.PeriodSamples)
	r.Fill(pcm)
	const fade = 120
	played, end := pcm[:3*audio.PeriodSamples], pcm[3*audio.PeriodSamples:]
	if slices.ContainsFunc(played, func(s int16) bool { return s != 1000 }) || end[0] > 1000 || slices.Max(end[fade:]) != 0 {
		t.Error("the file has not what was played, and silence behind it after a short fade")
	}
}

func TestAFileIsPlayedOnceAndThenSilence(t *testing.T) {
	t.Parallel()
	path := writeWAV(t, 2*audio.PeriodSamples, 500)
	synctest.Test(t, func(t *testing.T) {
		mic, in := openCapture(t, "file:"+path)
		start(t, mic)
		time.Sleep(45 * time.Millisecond)
		pcm := make([]int16, 4*audio.PeriodSamples)
		if _, ok := in.Read(pcm); !ok {
			t.Fatal("less than 40 ms came")
		}
		want := append(slices.Repeat([]int16{500}, 2*audio.PeriodSamples), make([]int16, 2*audio.PeriodSamples)...)
		if !slices.Equal(pcm, want) {
			t.Error("it did not bring the file and then silence")
		}
		if err := mic.Err(); err != nil {
			t.Errorf("the end of a file counts as a loss: %v", err)
		}
		closeAll(t, mic)
	})
}

func TestAFileThatBreaksOffIsALoss(t *testing.T) {
	t.Parallel()
	path := writeWAV(t, 10*audio.Rate, 500)
	synctest.Test(t, func(t *testing.T) {
		mic, _ := openCapture(t, "file:"+path)
		if err := os.Truncate(path, 1000); err != nil {
			t.Fatal(err)
		}
		start(t, mic)
		select {
		case <-mic.Lost():
		case <-time.After(20 * time.Second):
			t.Fatal("nobody noticed")
		}
		if mic.Err() == nil {
			t.Error("the loss has no reason")
		}
		closeAll(t, mic)
	})
}

func TestStreamsThatWereNeverStartedClose(t *testing.T) {
	t.Parallel()
	mic, _ := openCapture(t, "tone:1000")
	ear, _ := openPlayback(t, "file:"+filepath.Join(t.TempDir(), "out.wav"))
	closeAll(t, mic, ear)
	if mic.Err() != nil {
		t.Error("a stream that was closed counts as lost")
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	p := port.NewCapture(audio.NewClock())
	if s, err := sound.OpenCapture(t.Context(), "tone:1", p, sound.Options{}); !errors.Is(err, sound.ErrSpec) || s != nil {
		t.Errorf("got %v, %v, want ErrSpec", s, err)
	}
	if s, err := sound.OpenCapture(t.Context(), "file:/no/such.wav", p, sound.Options{}); !errors.Is(err, fs.ErrNotExist) || s != nil {
		t.Errorf("got %v, %v, want fs.ErrNotExist", s, err)
	}
	if s, err := sound.OpenPlayback(t.Context(), "file:/no/such/dir.wav", port.NewPlayback(audio.NewClock()), sound.Options{}); !errors.Is(err, fs.ErrNotExist) || s != nil {
		t.Errorf("got %v, %v, want fs.ErrNotExist", s, err)
	}
}

func TestDevicesOnARealSoundServer(t *testing.T) {
	pulse.Start(t).Setenv()
	list, err := sound.Devices(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := sound.Default(list, sound.Capture); err != nil || d.ID != pulse.HeadsetMic {
		t.Errorf("the default microphone is %+v, %v", d, err)
	}
	mic, in := openCapture(t, "headset-micro")
	ear, out := openPlayback(t, "")
	start(t, mic)
	start(t, ear)
	for _, signal := range []<-chan struct{}{in.Ready(), out.Wanted()} {
		select {
		case <-signal:
		case <-time.After(10 * time.Second):
			t.Fatal("no callback came")
		}
	}
	if m, e := mic.Endpoint().ID, ear.Endpoint().ID; m != pulse.HeadsetMic || e != pulse.Headset {
		t.Errorf("opened %q and %q", m, e)
	}
	closeAll(t, mic, ear)
	if s, err := sound.OpenCapture(t.Context(), "jabra", in, sound.Options{}); !errors.Is(err, device.ErrUnknownDevice) || s != nil {
		t.Errorf("got %v, %v, want ErrUnknownDevice", s, err)
	}
}
