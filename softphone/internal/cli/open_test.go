package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callcenter/audio"
	"callcenter/audio/audiotest"
	"callcenter/audio/file"
	"callcenter/audio/jitter"
	"callcenter/audio/playout"
	"callcenter/audio/sendq"
	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/softphone/internal/blackbox"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
)

// savedBox is a black box of a call of d, whose far leg speaks and stalls for a
// while.
func savedBox(t *testing.T, d time.Duration) string {
	t.Helper()
	format := codec.Format{Codec: codec.Opus, Rate: audio.Rate, Channels: 1}
	enc, err := opus.Codec{}.NewEncoder(format, codec.Options{Complexity: 1, FrameSamples: audio.Rate / 50})
	if err != nil {
		t.Fatal(err)
	}
	dec, err := opus.Codec{}.NewDecoder(format)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Minute
	box := blackbox.NewRecorder(blackbox.Info{CallID: "id", Destination: "room/x", Codec: codec.Opus, FrameMS: 20}, func() time.Duration { return now })
	ear := playout.New(playout.Config{Decoder: dec, Tape: box})
	said, packet := audiotest.Speech(audio.Samples(d), 1), make([]byte, codec.MaxPacket)
	var held []jitter.Packet
	for i := range len(said) / 960 {
		n, err := enc.Encode(packet, said[960*i:][:960])
		if err != nil {
			t.Fatal(err)
		}
		box.Sent(&sendq.Frame{Sequence: uint64(i) + 1, Media: uint64(960*i) + 1, Samples: 960, Made: now, Data: packet[:n]}, 1, now)
		held = append(held, jitter.Packet{Sequence: uint64(i) + 1, Epoch: 1, Media: int64(960 * i), Samples: 960, Data: append([]byte(nil), packet[:n]...)})
		if i < 50 || i > 80 { // a stall of 0.6 s
			for _, p := range held {
				ear.Push(p, now)
				box.Came(call.Came{At: now, Sequence: p.Sequence, Epoch: 1, Media: p.Media, Bytes: len(p.Data)})
			}
			held = held[:0]
		}
		for range 2 {
			now += audio.Period
			ear.Pull(make([]int16, audio.PeriodSamples), now)
		}
		if i%50 == 49 {
			s := callstate.Snapshot{State: callstate.Live}
			if i > 50 && i < 100 {
				s.Verdict.Troubles = []callstate.Trouble{{Text: "nothing comes", Effect: "you hear nobody"}}
			}
			box.Second(&s)
		}
	}
	shelf := blackbox.Shelf{Folder: t.TempDir(), Version: "1.0"}
	saved, err := shelf.Save(box, blackbox.Extra{Screen: "+- the screen -+", Server: "127.0.0.1:50051", State: "live"})
	if err != nil {
		t.Fatal(err)
	}
	return saved.Path
}

func TestOpenShowsABlackBoxAndReplaysIt(t *testing.T) {
	path := savedBox(t, 3*time.Second)
	o := softphone(t, "open", path, "--replay")
	for _, want := range []string{
		"call        to room/x over 127.0.0.1:50051", "the call from its beginning", "Seconds with trouble:",
		"not rated: nothing comes: you hear nobody", "The same counters, and every pull the same.", "concealedSamples", "+- the screen -+",
	} {
		if o.code != 0 || !strings.Contains(o.stdout, want) {
			t.Errorf("exit code %d, no %q in\n%s%s", o.code, want, o.stdout, o.stderr)
		}
	}
	o = softphone(t, "open", path, "--replay", "--json")
	var r struct {
		Manifest blackbox.Manifest
		Seconds  []map[string]any
		Replay   struct {
			Same               bool
			Recorded, Replayed playout.Counters
		}
	}
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil {
		t.Fatalf("%v in\n%s", err, o.stdout)
	}
	if r.Manifest.Destination != "room/x" || len(r.Seconds) != 3 || !r.Replay.Same ||
		r.Replay.Recorded.StallCount != 1 || r.Replay.Replayed.StallCount != 1 {
		t.Errorf("%+v", r)
	}
	if s := r.Seconds[0]; s["lost"] != 0.0 || s["muted"] != false || s["state"] != "live" || s["mos_est"] != nil {
		t.Errorf("the first second is %v", s)
	}
}

func TestOpenPlaysBothLegsOrOne(t *testing.T) {
	path := savedBox(t, time.Second)
	peaks := map[string]int{}
	for _, leg := range []string{"both", "near", "far"} {
		out := filepath.Join(t.TempDir(), leg+".wav")
		o := softphone(t, "open", path, "--play", "--leg", leg, "--playback", "file:"+out, "--ear-protection=false")
		if o.code != 0 {
			t.Fatalf("exit code %d: %s", o.code, o.stderr)
		}
		in, err := file.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		pcm := make([]int16, audio.Samples(in.Duration()))
		in.Fill(pcm)
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		if len(pcm) < audio.Rate {
			t.Errorf("%s: only %d samples are played", leg, len(pcm))
		}
		peaks[leg] = audiotest.Peak(pcm)
	}
	if peaks["near"] < 3000 || peaks["far"] < 3000 || peaks["both"] < 3000 {
		t.Errorf("peaks of %v", peaks)
	}
}

func TestOpenTakesABlackBoxApartIntoANewFolder(t *testing.T) {
	path, folder := savedBox(t, time.Second), filepath.Join(t.TempDir(), "parts")
	if o := softphone(t, "open", path, "--extract", folder); o.code != 0 {
		t.Fatalf("exit code %d: %s", o.code, o.stderr)
	}
	for _, name := range []string{"manifest.json", "near.ogg", "far.ogg", "stats.json", "arrivals.txt", "play.txt", "screen.txt"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if o := softphone(t, "open", path, "--extract", folder); o.code != 1 || !strings.Contains(o.stderr, "not there yet") {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
	if o := softphone(t, "replay", "--trace", filepath.Join(folder, "arrivals.txt")); o.code != 0 {
		t.Errorf("the trace is no trace: %s", o.stderr)
	}
}

func TestOpenSaysInOneSentenceWhatItCannotDo(t *testing.T) {
	path := savedBox(t, time.Second)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.zip")
	if err := os.WriteFile(cut, raw[:len(raw)-100], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{cut}, 1, "is cut short or damaged, its end is missing: get a whole copy"},
		{[]string{"nothing.zip"}, 1, "no such file or directory"},
		{[]string{path, "--leg", "left"}, 2, "use both, near or far"},
		{[]string{path, "--leg", "far"}, 2, "add --play"},
		{nil, 2, "accepts 1 arg"},
	} {
		o := softphone(t, append([]string{"open"}, c.args...)...)
		if o.code != c.code || strings.Count(o.stderr, "\n") != 1 || !strings.Contains(o.stderr, c.want) {
			t.Errorf("%v: exit code %d, %q", c.args, o.code, o.stderr)
		}
	}
	o := softphone(t, "open", cut, "--json")
	var r struct{ Error string }
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || !strings.Contains(r.Error, "cut short") || o.code != 1 {
		t.Errorf("exit code %d, %q, %v", o.code, o.stdout, err)
	}
}
