package cue

import (
	"math"
	"time"

	"callcenter/audio"
)

// edge is how long a note takes to come up and to go.
const edge = 12 * time.Millisecond

// edgeSamples is edge in samples.
const edgeSamples = int(edge * audio.Rate / time.Second)

// edges is the gain at each sample of the beginning of a note: half a wave of a
// raised cosine, which leaves no click.
type edges [edgeSamples]float64

func (e *edges) make() {
	for i := range e {
		e[i] = 0.5 - 0.5*math.Cos(math.Pi*float64(i)/float64(edgeSamples))
	}
}

// at is the gain of a place that is so many samples from an end.
func (e *edges) at(i int) float64 {
	if i >= edgeSamples {
		return 1
	}
	return e[max(i, 0)]
}

// sine is a sine of full scale 1, made by the recurrence
// sin(n+1)w = 2 cos(w) sin(nw) - sin(n-1)w.
type sine struct{ factor, last, before float64 }

func newSine(hz float64) sine {
	w := 2 * math.Pi * hz / audio.Rate
	return sine{2 * math.Cos(w), -math.Sin(w), -math.Sin(2 * w)}
}

func (s *sine) next() float64 {
	x := s.factor*s.last - s.before
	s.last, s.before = x, s.last
	return x
}

// voice plays one cue at a time. Its zero value plays none.
type voice struct {
	kind  Kind
	shape shape
	on    bool

	note       int // that plays
	at, length int // samples of it
	amplitude  float64
	sines      [2]sine
	leaving    int // samples until it has faded out early; 0: it does not
}

// begin starts a cue, whose first sample is silent.
func (v *voice) begin(k Kind) {
	*v = voice{kind: k, shape: k.shape(), on: true, note: -1}
	v.turn()
}

// leave lets the cue end now, with an edge.
func (v *voice) leave() {
	if v.on && v.leaving == 0 {
		v.leaving = edgeSamples
	}
}

// turn goes on to the next note, or to the end of the cue.
func (v *voice) turn() {
	v.note++
	if v.note == len(v.shape.notes) || v.shape.notes[v.note].length == 0 {
		v.on = false
		return
	}
	n := &v.shape.notes[v.note]
	v.at, v.length = 0, audio.Samples(n.length)
	v.amplitude = math.MaxInt16 * math.Pow(10, v.shape.level/20)
	if n.hz[1] != 0 {
		v.amplitude /= 2
	}
	for i, hz := range n.hz {
		v.sines[i] = newSine(hz)
	}
}

// add plays on, over pcm.
func (v *voice) add(pcm []int16, e *edges) {
	for i := range pcm {
		if !v.on {
			return
		}
		gain := v.amplitude * e.at(min(v.at, v.length-1-v.at))
		if v.leaving > 0 {
			v.leaving--
			gain *= e.at(v.leaving)
			v.on = v.leaving > 0
		}
		x := gain * (v.sines[0].next() + v.sines[1].next())
		pcm[i] = int16(min(max(int(pcm[i])+int(math.RoundToEven(x)), math.MinInt16), math.MaxInt16))
		if v.at++; v.at == v.length && v.on {
			v.turn()
		}
	}
}
