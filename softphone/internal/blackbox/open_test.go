package blackbox

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callcenter/codec"
	"callcenter/codec/opus"
	"callcenter/codec/pcm"
)

// rewritten is a file whose members change changes; nil leaves one out.
func rewritten(t *testing.T, raw []byte, change func(name string, data []byte) []byte, more ...member) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	var members []member
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if data = change(f.Name, data); data != nil {
			members = append(members, member{f.Name, data})
		}
	}
	var out bytes.Buffer
	if err := pack(&out, append(members, more...), time.Now()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// replacing changes a text in one member.
func replacing(in, old, by string) func(string, []byte) []byte {
	return func(name string, data []byte) []byte {
		if name == in {
			return bytes.ReplaceAll(data, []byte(old), []byte(by))
		}
		return data
	}
}

func TestWhatIsNoUseIsOneSentence(t *testing.T) {
	r := newRig(t, opus.Codec{})
	r.talk(2 * time.Second)
	good := r.save()
	as := func(member string, data []byte) func(string, []byte) []byte {
		return func(name string, was []byte) []byte {
			if name == member {
				return data
			}
			return was
		}
	}
	flipped := bytes.Clone(good)
	flipped[bytes.Index(good, []byte(farOgg))+len(farOgg)+400] ^= 0x55
	deep := []byte(strings.Repeat("[", 1000) + strings.Repeat("]", 1000))
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"an empty file":      {nil, "is no black box: name a file that softphone saved"},
		"a text":             {[]byte("hello"), "is no black box"},
		"another archive":    {rewritten(t, good, as(memberManifest, nil)), "is no black box"},
		"another's manifest": {rewritten(t, good, replacing(memberManifest, format, "flight recorder")), "is no black box"},
		"cut short":          {good[:len(good)/2], "is cut short or damaged, its end is missing: get a whole copy"},
		"cut at its end":     {good[:len(good)-1], "is cut short or damaged"},
		"a newer version": {
			rewritten(t, rewritten(t, good, replacing(memberManifest, `"version": 1`, `"version": 3`)), replacing(memberManifest, `"1.0"`, `"1.7"`)),
			"was made by a newer softphone, 1.7 (format 3): this one reads format 1; update",
		},
		"a damaged member": {flipped, `is damaged: its member "far.ogg" cannot be read; get another copy`},
		"a missing member": {rewritten(t, good, as(memberTape, nil)), "is damaged: its member ear.tape is missing"},
		"two of a name":    {rewritten(t, good, func(_ string, d []byte) []byte { return d }, member{memberTape, nil}), "is damaged: it has two members"},
		"a bomb":           {rewritten(t, good, as(memberTape, make([]byte, maxMember+1))), "larger than any that softphone writes"},
		"a bomb of counts": {rewritten(t, good, as(memberStats, []byte(`{"counts":[`+strings.Repeat("{},", maxParsed/3)+`{}]}`))), "larger than any that softphone writes"},
		"a bomb of rows":   {rewritten(t, good, as(memberSeconds, bytes.Repeat([]byte("\n1"), maxParsed))), "larger than any that softphone writes"},
		"a bomb of cells":  {rewritten(t, good, as(memberSeconds, []byte(strings.Repeat(",", maxParsed/2)))), "is damaged: its member seconds.csv makes no sense"},
		"a deep manifest":  {rewritten(t, good, as(memberManifest, deep)), "is damaged: its manifest.json makes no sense"},
		"deep statistics":  {rewritten(t, good, as(memberStats, deep)), "is damaged: its member stats.json makes no sense"},
		"no statistics":    {rewritten(t, good, as(memberStats, []byte("{"))), "is damaged: its member stats.json makes no sense"},
		"a ragged table":   {rewritten(t, good, as(memberSeconds, []byte("a,b\n1\n"))), "is damaged: its member seconds.csv makes no sense"},
		"half a tape":      {rewritten(t, good, func(n string, d []byte) []byte { return map[bool][]byte{true: d[:len(d)/2], false: d}[n == memberTape] }), "is damaged: its member ear.tape makes no sense"},
		"a tape of noise":  {rewritten(t, good, as(memberTape, []byte(strings.Repeat("noise", 100)))), "is damaged: its member ear.tape makes no sense"},
		"an odd codec":     {rewritten(t, good, replacing(memberManifest, `"opus"`, `"mp3"`)), "is damaged: its manifest.json makes no sense"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("bad.zip", c.raw)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("it says %v, want %q", err, c.want)
			}
		})
	}
	many := make([]member, maxMembers)
	for i := range many {
		many[i].name = strings.Repeat("x", i+1)
	}
	if _, err := Parse("many.zip", rewritten(t, good, func(_ string, d []byte) []byte { return d }, many...)); err == nil {
		t.Error("a file of very many members is read")
	}
}

func TestALegThatCannotBePlayedIsOneSentence(t *testing.T) {
	r := newRig(t, opus.Codec{})
	r.talk(time.Second)
	raw := rewritten(t, r.save(), func(name string, data []byte) []byte {
		if name == nearOgg {
			return data[:len(data)/2]
		}
		return data
	})
	b, err := Parse("bad.zip", raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Near(opus.Codec{}); err == nil || !strings.Contains(err.Error(), "its member near.ogg cannot be played") {
		t.Errorf("it says %v", err)
	}
	if _, err := b.Far(opus.Codec{}); err != nil {
		t.Error(err)
	}
}

func TestWhatAFileSaysIsNoCommandToATerminal(t *testing.T) {
	r := newRig(t, pcm.Codec{})
	r.talk(time.Second)
	raw := rewritten(t, r.save(), func(name string, data []byte) []byte {
		switch name {
		case memberScreen, memberSettings:
			return []byte("a\x1b[2Jb\r\nc\u202e")
		case memberManifest:
			return bytes.ReplaceAll(data, []byte(`"echo"`), []byte(`"ec\u001b[2Jho\n"`))
		}
		return data
	})
	b, err := Parse("bad.zip", raw)
	if err != nil {
		t.Fatal(err)
	}
	if b.Screen != "a[2Jb\nc" || b.Settings != b.Screen || b.Manifest.Destination != "ec[2Jho" {
		t.Errorf("screen %q, settings %q, destination %q", b.Screen, b.Settings, b.Manifest.Destination)
	}
}

func TestOnlyARegularFileIsOpened(t *testing.T) {
	folder := t.TempDir()
	for path, want := range map[string]string{
		folder:                          "it is no regular file; check the path",
		filepath.Join(folder, "no.zip"): "no such file or directory; check the path",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	large := filepath.Join(folder, "large.zip")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(large); err == nil || !strings.Contains(err.Error(), "is larger than 64 MiB") {
		t.Errorf("%v", err)
	}
}

// FuzzOpen reads what may come from anywhere, and plays and replays what it takes.
func FuzzOpen(f *testing.F) {
	for _, c := range codecs() {
		f.Add(shortCall(f, c).save())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := Parse("fuzz.zip", raw)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%v is no *Error", err)
			}
			return
		}
		c := codec.NewRegistry(opus.Codec{}, pcm.Codec{})[b.Manifest.Codec]
		_, _ = b.Near(c)
		_, _ = b.Far(c)
		_, _ = b.Replay(c, nil)
	})
}

// shortCall is a call of a second with a frame that never came.
func shortCall(tb testing.TB, c codec.Codec) *rig {
	tb.Helper()
	r := newRig(tb, c)
	r.lost[20] = true
	r.talk(time.Second)
	return r
}

// FuzzTape replays any tape, which a fuzzer seldom gets through the archive.
func FuzzTape(f *testing.F) {
	for _, c := range codecs() {
		f.Add(shortCall(f, c).opened().members[memberTape])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, c := range codecs() {
			b := &Box{Manifest: Manifest{Codec: c.Name()}, members: map[string][]byte{memberTape: raw}}
			if b.checkTape("damaged") != "" {
				continue
			}
			b.stats.Counts = []tapeCount{{}}
			if _, err := b.Replay(c, nil); err != nil {
				t.Errorf("a tape that was looked at cannot be replayed: %v", err)
			}
		}
	})
}
