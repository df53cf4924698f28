package blackbox

import (
	"errors"
	"fmt"
	"time"

	"callcenter/audio"
	"callcenter/audio/playout"
	"callcenter/codec"
)

// ErrNoTape means that the earpiece asked for nothing while the tape ran.
var ErrNoTape = errors.New("nothing was played while this was recorded: there is nothing to replay")

// Outcome is what a replay did beside what the call's ear had done.
type Outcome struct {
	// Whole says that the counters are those of the call from its beginning.
	// Otherwise they are those after a WarmUp, from From on, counted from the first
	// pull; where the tape is not longer than that, from the first pull on.
	Whole bool
	From  time.Duration
	// TakenUp says that from there on it was the playout of the call, as the box keeps
	// it, and not one that had only warmed up.
	TakenUp bool
	// Length is that of the tape.
	Length             time.Duration
	Recorded, Replayed playout.Stats
	Pulls              int
	// Compared is how many pulls there are after From, Differs how many of them came
	// out in another way, and First when the first did.
	Compared, Differs int
	First             time.Duration
}

// Same reports that nothing came out in another way.
func (o *Outcome) Same() bool { return o.Differs == 0 && o.Recorded == o.Replayed }

func (b *Box) format() codec.Format {
	return codec.Format{Codec: b.Manifest.Codec, Rate: audio.Rate, Channels: 1}
}

// run is a replay that goes on.
type run struct {
	box    *Box
	codec  codec.Codec
	player *playout.Playout
	out    func(pcm []int16) error
	pcm    [audio.PeriodSamples]int16
	at     uint64        // bytes of the tape that are done
	began  time.Duration // the first pull
	from   tapeCount     // where counting begins
	mark   playout.Stats // replayed, at from
	Outcome
}

// Replay does to a fresh playout what the tape says, and gives out what it plays,
// unless out is nil; out's error ends it.
func (b *Box) Replay(c codec.Codec, out func(pcm []int16) error) (*Outcome, error) {
	if len(b.stats.Counts) == 0 {
		return nil, ErrNoTape
	}
	dec, err := c.NewDecoder(b.format())
	if err != nil {
		return nil, fmt.Errorf("make %s decoder: %w", c.Name(), err)
	}
	r := &run{box: b, codec: c, out: out, player: playout.New(playout.Config{Decoder: dec, Complete: b.Manifest.Complete})}
	last := b.stats.Counts[len(b.stats.Counts)-1]
	if r.Whole = b.stats.Whole; !r.Whole {
		r.from = b.begin(last)
	}
	if err := walk(b.members[memberTape], r.do); err != nil {
		return nil, err
	}
	r.Recorded, r.Replayed = since(last.Playout, r.from.Playout), since(r.player.Stats(), r.mark)
	return &r.Outcome, nil
}

// begin is where counting begins on a tape that begins in mid-call.
func (b *Box) begin(last tapeCount) tapeCount {
	if b.stats.State != nil {
		return *b.stats.State
	}
	first := b.stats.Counts[0]
	for _, n := range b.stats.Counts {
		if time.Duration(n.ClockNS-first.ClockNS) >= WarmUp && n.TapeBytes < last.TapeBytes {
			return n
		}
	}
	return first
}

// takeUp puts the playout of the call in the place of the one that has warmed up,
// if the box has it and this softphone can read it. Its decoder hears what that of
// the call had heard.
func (r *run) takeUp() error {
	if r.box.stats.State == nil {
		return nil
	}
	dec, err := r.codec.NewDecoder(r.box.format())
	if err != nil {
		return fmt.Errorf("make %s decoder: %w", r.codec.Name(), err)
	}
	p, err := playout.Thaw(playout.Config{Decoder: dec, Complete: r.box.Manifest.Complete}, r.box.members[memberState], r.from.Playout)
	if err != nil {
		return nil //nolint:nilerr // of another softphone: the one that has warmed up goes on
	}
	next, end := p.Next(), int64(-1)
	pcm := make([]int16, codec.MaxSamples+64)
	err = walk(r.box.members[memberTape][:r.from.TapeBytes], func(rec record) error {
		if rec.kind != kindPushed {
			return nil
		}
		pkt, _, err := parsePushed(rec)
		if err != nil || len(pkt.Data) == 0 || pkt.Sequence >= next {
			return err
		}
		if end >= 0 && pkt.Media != end { // as the playout does behind a gap
			_, _ = dec.Decode(pcm, pkt.Data)
		}
		_, _ = dec.Decode(pcm, pkt.Data) // what it cannot decode the call's could not either
		end = pkt.Media + int64(pkt.Samples)
		return nil
	})
	r.player, r.TakenUp = p, true
	return err
}

// do does what a record says.
func (r *run) do(rec record) error {
	r.at += uint64(len(rec.whole))
	switch rec.kind {
	case kindPushed:
		p, now, err := parsePushed(rec)
		r.player.Push(p, now)
		return err
	case kindOneWay:
		d, err := parseTold(rec)
		r.player.SetOneWay(d)
		return err
	case kindAhead:
		d, err := parseTold(rec)
		r.player.SetAhead(d)
		return err
	case kindFlushed:
		r.player.Flush()
	case kindPulled:
		return r.pull(rec)
	case kindCame, kindSent:
	}
	return nil
}

func (r *run) pull(rec record) error {
	was, err := parsePulled(rec)
	if err != nil {
		return err
	}
	pcm := r.pcm[:was.Samples]
	is := r.player.Pull(pcm, was.Now)
	if r.Pulls == 0 {
		r.began = was.Now
	}
	r.Pulls++
	r.Length = was.Now - r.began
	if r.at > r.from.TapeBytes {
		r.Compared++
		if is != was.Pulled {
			if r.Differs == 0 {
				r.First = r.Length
			}
			r.Differs++
		}
	}
	if r.out != nil {
		if err := r.out(pcm); err != nil {
			return err
		}
	}
	if r.at != r.from.TapeBytes {
		return nil
	}
	if err := r.takeUp(); err != nil {
		return err
	}
	r.mark, r.From = r.player.Stats(), r.Length
	return nil
}

// since are the counters after was. What is no sum, such as the target, is that of
// the end.
func since(s, was playout.Stats) playout.Stats {
	for _, n := range [...]struct{ is, was *uint64 }{
		{&s.PacketsReceived, &was.PacketsReceived},
		{&s.PacketsLost, &was.PacketsLost},
		{&s.PacketsDropped, &was.PacketsDropped},
		{&s.PacketsDiscarded, &was.PacketsDiscarded},
		{&s.Resets, &was.Resets},
		{&s.Outages, &was.Outages},
		{&s.TotalSamplesReceived, &was.TotalSamplesReceived},
		{&s.ConcealedSamples, &was.ConcealedSamples},
		{&s.SilentConcealedSamples, &was.SilentConcealedSamples},
		{&s.ConcealmentEvents, &was.ConcealmentEvents},
		{&s.InsertedSamplesForDeceleration, &was.InsertedSamplesForDeceleration},
		{&s.RemovedSamplesForAcceleration, &was.RemovedSamplesForAcceleration},
		{&s.SilentSamples, &was.SilentSamples},
		{&s.FillingSamples, &was.FillingSamples},
		{&s.DecodedSamples, &was.DecodedSamples},
		{&s.PrimingSamples, &was.PrimingSamples},
		{&s.UnheardSamples, &was.UnheardSamples},
		{&s.AbandonedSamples, &was.AbandonedSamples},
		{&s.SkippedSamples, &was.SkippedSamples},
		{&s.DecodeErrors, &was.DecodeErrors},
		{&s.JitterBufferEmittedCount, &was.JitterBufferEmittedCount},
		{&s.Pulls, &was.Pulls},
		{&s.InterruptionCount, &was.InterruptionCount},
		{&s.StallCount, &was.StallCount},
	} {
		*n.is -= *n.was
	}
	for _, n := range [...]struct{ is, was *time.Duration }{
		{&s.RelativePacketArrivalDelay, &was.RelativePacketArrivalDelay},
		{&s.JitterBufferDelay, &was.JitterBufferDelay},
		{&s.JitterBufferTargetDelay, &was.JitterBufferTargetDelay},
		{&s.JitterBufferMinimumDelay, &was.JitterBufferMinimumDelay},
		{&s.TotalInterruptionDuration, &was.TotalInterruptionDuration},
		{&s.StallDuration, &was.StallDuration},
	} {
		*n.is -= *n.was
	}
	for i := range s.TimeToLive {
		s.TimeToLive[i] -= was.TimeToLive[i]
	}
	return s
}
