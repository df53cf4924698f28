package replay

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"callcenter/audio"
	"callcenter/audio/jitter"
	"callcenter/audio/playlog"
	"callcenter/codec"
)

const (
	// maxGap is how many frames that never arrive are encoded before one that
	// does: 2.5 s and more.
	maxGap = 250
	// maxAhead is how many packets may come after one that was sent behind them.
	maxAhead = 5000
)

// arrival is a packet of the trace as it comes.
type arrival struct {
	seq    int64
	media  int64 // on the capture clock, which begins with the first packet
	arrive time.Duration
	dtx    bool
}

// sender makes the packets of a trace, in the order of their arrival.
type sender struct {
	source  audio.Source
	enc     codec.Encoder
	frame   []int16
	data    []byte
	made    map[int64][]byte // encoded and not yet arrived
	encoded int64            // frames below this sequence are encoded
	coming  []playlog.Packet // from encoded on, by sequence
	origin  int64            // send_us of the first sample of the capture clock
	first   int64            // sequence of the first packet
	packets []arrival
	next    int
}

func newSender(cfg Config) (*sender, error) {
	o := cfg.Options
	o.FrameSamples = cfg.Trace.FrameMS * audio.Rate / 1000
	enc, err := cfg.Codec.NewEncoder(format(cfg.Codec), o)
	if err != nil {
		return nil, fmt.Errorf("make %s encoder for frames of %d ms: %w", cfg.Codec.Name(), cfg.Trace.FrameMS, err)
	}
	s := &sender{
		source: cfg.Source,
		enc:    enc,
		frame:  make([]int16, o.FrameSamples),
		data:   make([]byte, codec.MaxPacket),
		made:   make(map[int64][]byte),
		origin: math.MaxInt64,
		first:  math.MaxInt64,
	}
	s.load(cfg.Trace.Packets)
	return s, nil
}

// load puts the packets in the order of their arrival.
func (s *sender) load(packets []playlog.Packet) {
	for _, p := range packets {
		s.origin, s.first = min(s.origin, p.SendUS), min(s.first, p.Seq)
	}
	s.encoded, s.coming = s.first, packets
	for _, p := range packets {
		s.packets = append(s.packets, arrival{
			seq:    p.Seq,
			media:  int64(math.Round(float64(p.SendUS-s.origin) * audio.Rate / 1e6)),
			arrive: time.Duration(p.ArriveUS) * time.Microsecond,
			dtx:    p.DTX,
		})
	}
	slices.SortStableFunc(s.packets, func(a, b arrival) int { return cmp.Compare(a.arrive, b.arrive) })
}

// packet makes the next packet. One that announces silence is a mark without
// audio, as on the wire.
func (s *sender) packet() (jitter.Packet, error) {
	a := s.packets[s.next]
	s.next++
	p := jitter.Packet{Sequence: uint64(a.seq-s.first) + 1, Epoch: 1, Media: a.media, DTX: a.dtx}
	data, err := s.encode(a.seq)
	if err != nil || a.dtx {
		return p, err
	}
	p.Samples, p.Data = len(s.frame), data
	return p, nil
}

// encode returns the frame of a sequence; the encoder hears all of them in
// order, but not the whole of a long gap.
func (s *sender) encode(seq int64) ([]byte, error) {
	for ; s.encoded <= seq; s.encoded++ {
		if gap := s.coming[0].Seq - s.encoded; gap > maxGap {
			s.encoded += gap - maxGap
		}
		s.source.Fill(s.frame)
		if f, ok := s.source.(interface{ Err() error }); ok && f.Err() != nil {
			return nil, f.Err()
		}
		n, err := s.enc.Encode(s.data, s.frame)
		if err != nil {
			return nil, fmt.Errorf("encode frame %d: %w", s.encoded, err)
		}
		if s.encoded < s.coming[0].Seq {
			continue // dropped
		}
		s.coming = s.coming[1:]
		if s.made[s.encoded] = slices.Clone(s.data[:n]); len(s.made) > maxAhead {
			return nil, fmt.Errorf("sequence %d overtakes more than %d packets: is the trace in order?", seq, maxAhead)
		}
	}
	data := s.made[seq]
	delete(s.made, seq)
	return data, nil
}
