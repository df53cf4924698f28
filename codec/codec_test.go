package codec_test

import (
	"errors"
	"strings"
	"testing"

	"callcenter/codec"
)

func TestFormatValidate(t *testing.T) {
	tests := []struct {
		name   string
		format codec.Format
		field  string // "" means valid
	}{
		{"opus at 48 kHz mono is fine", codec.Format{Codec: "opus", Rate: 48000, Channels: 1}, ""},
		{"opus at 8 kHz stereo is fine", codec.Format{Codec: "opus", Rate: 8000, Channels: 2}, ""},
		{"opus at 44.1 kHz does not exist", codec.Format{Codec: "opus", Rate: 44100, Channels: 1}, "sample_rate"},
		{"opus without a rate is wrong", codec.Format{Codec: "opus", Channels: 1}, "sample_rate"},
		{"pcm at the lowest rate is fine", codec.Format{Codec: "pcm", Rate: 8000, Channels: 1}, ""},
		{"pcm at the highest rate is fine", codec.Format{Codec: "pcm", Rate: 96000, Channels: 2}, ""},
		{"pcm below the lowest rate is wrong", codec.Format{Codec: "pcm", Rate: 7999, Channels: 1}, "sample_rate"},
		{"pcm above the highest rate is wrong", codec.Format{Codec: "pcm", Rate: 96001, Channels: 1}, "sample_rate"},
		{"no channel is wrong", codec.Format{Codec: "pcm", Rate: 8000}, "channels"},
		{"three channels are wrong", codec.Format{Codec: "opus", Rate: 48000, Channels: 3}, "channels"},
		{"an unknown codec is named", codec.Format{Codec: "g711", Rate: 8000, Channels: 1}, "codec"},
		{"names are case-sensitive", codec.Format{Codec: "Opus", Rate: 48000, Channels: 1}, "codec"},
		{"no codec is wrong", codec.Format{Rate: 48000, Channels: 1}, "codec"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.format.Validate()
			if tt.field == "" {
				if err != nil {
					t.Fatalf("Validate() = %v, want nil", err)
				}
				return
			}
			var wrong *codec.FormatError
			if !errors.As(err, &wrong) || wrong.Field != tt.field {
				t.Fatalf("Validate() = %v, want a FormatError of field %q", err, tt.field)
			}
			if !strings.HasPrefix(err.Error(), tt.field+": ") {
				t.Errorf("message %q does not start with the field", err)
			}
		})
	}
}

func TestFormatErrorKeepsALongCodecNameShort(t *testing.T) {
	err := codec.Format{Codec: strings.Repeat("x", 4000), Rate: 48000, Channels: 1}.Validate()
	if err == nil || len(err.Error()) > 100 {
		t.Fatalf("Validate() = %v, want an error of at most 100 bytes", err)
	}
}

func TestOptionsValidate(t *testing.T) {
	tests := []struct {
		name    string
		options codec.Options
		message string // "" means valid
	}{
		{"20 ms at the default bitrate is fine", codec.Options{FrameSamples: 960, Complexity: 9}, ""},
		{"10 ms at the lowest bitrate is fine", codec.Options{FrameSamples: 480, Bitrate: 6000}, ""},
		{"the highest settings are fine", codec.Options{FrameSamples: 960, Bitrate: 510000, Complexity: 10}, ""},
		{"a frame must be given", codec.Options{Complexity: 9}, "frame"},
		{"60 ms frames are not sent", codec.Options{FrameSamples: 2880}, "frame"},
		{"a bitrate below that of Opus is wrong", codec.Options{FrameSamples: 960, Bitrate: 5999}, "bitrate"},
		{"a bitrate above that of Opus is wrong", codec.Options{FrameSamples: 960, Bitrate: 510001}, "bitrate"},
		{"a negative bitrate is wrong", codec.Options{FrameSamples: 960, Bitrate: -1}, "bitrate"},
		{"complexity ends at 10", codec.Options{FrameSamples: 960, Complexity: 11}, "complexity"},
		{"complexity starts at 0", codec.Options{FrameSamples: 960, Complexity: -1}, "complexity"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.options.Validate()
			if tt.message == "" && err != nil {
				t.Fatalf("Validate() = %v, want nil", err)
			}
			if tt.message != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.message)) {
				t.Fatalf("Validate() = %v, want an error about %q", err, tt.message)
			}
		})
	}
}

type named string

func (n named) Name() string { return string(n) }

func (named) NewEncoder(codec.Format, codec.Options) (codec.Encoder, error) { return nil, nil }

func (named) NewDecoder(codec.Format) (codec.Decoder, error) { return nil, nil }

func TestRegistryLookup(t *testing.T) {
	registry := codec.NewRegistry(named("pcm"), named("opus"))
	for _, name := range []string{"opus", "pcm"} {
		c, err := registry.Lookup(name)
		if err != nil || c.Name() != name {
			t.Errorf("Lookup(%q) = %v, %v", name, c, err)
		}
	}
	_, err := registry.Lookup("speex")
	var wrong *codec.FormatError
	if !errors.As(err, &wrong) || wrong.Field != "codec" {
		t.Fatalf("Lookup of an unknown codec = %v, want a FormatError of field codec", err)
	}
	if !strings.Contains(err.Error(), "opus or pcm") {
		t.Errorf("error %q does not say which codecs exist", err)
	}
}
