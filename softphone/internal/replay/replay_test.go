package replay_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/audiotest/trace"
	"callcenter/audio/playlog"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
	"callcenter/softphone/internal/replay"
)

// steady is a trace in which packet i, of those below n that keep says, takes
// 30 ms.
func steady(n int64, keep func(i int64) bool) playlog.Trace {
	t := playlog.Trace{FrameMS: 20, RTTMS: 60}
	for i := range n {
		if keep(i) {
			t.Packets = append(t.Packets, playlog.Packet{Seq: i, SendUS: i * 20_000, ArriveUS: i*20_000 + 30_000})
		}
	}
	return t
}

// Speech that arrives evenly is what was said, bit for bit, where the play log
// says that it is.
func TestThePlayLogSaysWhereEachSampleIsFrom(t *testing.T) {
	said := audiotest.Noise(10*audio.Rate, 8000, 1)
	tr := steady(400, func(int64) bool { return true })
	var heard []int16
	res, err := replay.Run(replay.Config{
		Trace: tr, Source: &loop{pcm: said}, Codec: pcm.Codec{},
		Out: func(pcm []int16) error { heard = append(heard, pcm...); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	matched := 0
	for i, l := range res.Log {
		if l.Kind != playlog.Normal || l.Concealed > 0 || l.Inserted > 0 || l.Removed > 0 {
			continue
		}
		at := int(l.MediaUS * audio.Rate / 1e6)
		if slices.Equal(heard[i*audio.PeriodSamples:][:audio.PeriodSamples], said[at:][:audio.PeriodSamples]) {
			matched++
		}
	}
	if matched < 700 || len(heard) != len(res.Log)*audio.PeriodSamples {
		t.Errorf("%d of %d periods are what was said there", matched, len(res.Log))
	}
}

func TestARunOfTheSameTraceIsTheSame(t *testing.T) {
	made, err := trace.Generate("wifi --sec 10", 3)
	if err != nil {
		t.Fatal(err)
	}
	run := func() (log []playlog.Line, ear []int16) {
		res, err := replay.Run(replay.Config{
			Trace: made.Trace, Source: replay.NewVoice(1), Codec: opus.Codec{}, Options: codec.Options{Complexity: 5},
			Out: func(pcm []int16) error { ear = append(ear, pcm...); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		return res.Log, ear
	}
	log, ear := run()
	again, earAgain := run()
	if !slices.Equal(log, again) || !slices.Equal(ear, earAgain) {
		t.Error("the second run differs")
	}
}

func TestLongGapsCostNothing(t *testing.T) {
	src := &counter{}
	tr := steady(20_000, func(i int64) bool { return i < 10 || i >= 19_990 })
	res, err := replay.Run(replay.Config{Trace: tr, Source: src, Codec: pcm.Codec{}})
	if err != nil || res.Stats.PacketsReceived != 20 || src.n > 300*960 {
		t.Errorf("%d packets, %d samples were encoded, %v", res.Stats.PacketsReceived, src.n, err)
	}
}

// counter counts what is asked of it, and fails after limit samples, 0: never.
type counter struct{ n, limit int }

func (c *counter) Fill(dst []int16) { clear(dst); c.n += len(dst) }
func (*counter) Close() error       { return nil }

var errSource = errors.New("the source broke")

func (c *counter) Err() error {
	if c.limit > 0 && c.n > c.limit {
		return errSource
	}
	return nil
}

func TestWhatEndsARun(t *testing.T) {
	all := func(int64) bool { return true }
	full := errors.New("full")
	backwards := steady(6000, all)
	for i := range backwards.Packets {
		backwards.Packets[i].ArriveUS = 200_000_000 - int64(i)
	}
	for name, tc := range map[string]struct {
		cfg  replay.Config
		want string
	}{
		"a trace without packets":     {replay.Config{Trace: steady(0, all), Source: &counter{}}, "no packets"},
		"a source that breaks":        {replay.Config{Trace: steady(100, all), Source: &counter{limit: 960 * 50}}, errSource.Error()},
		"an ear that takes no more":   {replay.Config{Trace: steady(100, all), Source: &counter{}, Out: func([]int16) error { return full }}, full.Error()},
		"packets the wrong way round": {replay.Config{Trace: backwards, Source: &counter{}}, "in order"},
		"frames that are none":        {replay.Config{Trace: playlog.Trace{FrameMS: 15, Packets: steady(1, all).Packets}, Source: &counter{}}, "15 ms"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.cfg.Codec = pcm.Codec{}
			if _, err := replay.Run(tc.cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
