package blackbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"callcenter/audio"
	"callcenter/codec"
)

// maxLeg is the longest leg that a file may have, in samples.
const maxLeg = int((Keep + 10*time.Second) * audio.Rate / time.Second)

// Near is what this operator sent, as PCM, decoded with c.
func (b *Box) Near(c codec.Codec) ([]int16, error) { return b.leg(c, nearOgg, nearWAV) }

// Far is what was received. It begins with Near and is as long.
func (b *Box) Far(c codec.Codec) ([]int16, error) { return b.leg(c, farOgg, farWAV) }

func (b *Box) leg(c codec.Codec, ogg, wav string) ([]int16, error) {
	name, pcm, err := ogg, []int16(nil), error(nil)
	if b.Manifest.Codec == codec.PCM {
		name = wav
		pcm, err = parseWAV(b.members[wav])
	} else {
		pcm, err = b.decode(c, b.members[ogg])
	}
	if err != nil {
		return nil, &Error{b.Path, fmt.Sprintf("is damaged: its member %s cannot be played (%v); get another copy", name, err)}
	}
	return pcm, nil
}

var errLong = errors.New("it is longer than what a black box keeps")

// decode returns what an Ogg/Opus file plays, which has a packet on each page.
func (b *Box) decode(c codec.Codec, raw []byte) ([]int16, error) {
	in, head, err := oggreader.NewWith(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	dec, err := c.NewDecoder(b.format())
	if err != nil {
		return nil, err
	}
	var out []int16
	for n := 0; ; n++ {
		packet, _, err := in.ParseNextPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if n == 0 || len(packet) == 0 { // the comments, and the mark of the end
			continue
		}
		samples, err := b.format().Samples(packet)
		if err != nil {
			return nil, err
		}
		if len(out)+samples > maxLeg+preSkip {
			return nil, errLong
		}
		at := len(out)
		out = append(out, make([]int16, samples)...)
		if got, err := dec.Decode(out[at:], packet); err != nil || got != samples {
			return nil, fmt.Errorf("packet %d cannot be decoded", n)
		}
	}
	return out[min(int(head.PreSkip), len(out)):], nil
}

// parseWAV returns the samples of a file that leg.wav wrote.
func parseWAV(raw []byte) ([]int16, error) {
	const head = 44
	if len(raw) < head || string(raw[:4]) != "RIFF" || string(raw[36:40]) != "data" {
		return nil, errors.New("it is no WAV file of a softphone")
	}
	data := raw[head:]
	if len(data) > 2*maxLeg {
		return nil, errLong
	}
	pcm := make([]int16, len(data)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(data[2*i:]))
	}
	return pcm, nil
}
