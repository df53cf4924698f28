package room

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"callcenter/audio"
)

// oracle is a plain mixer in floating point: what each member must hear of those
// who are in the sum.
type oracle struct {
	want [][]float64 // of each member, since its last frame
}

func (o *oracle) tick(legs []*conferenceLeg) {
	for i := range legs {
		for k := range audio.PeriodSamples {
			x := 0.0
			for j, l := range legs {
				if j != i && l.audible {
					x += float64(l.pcm[k])
				}
			}
			o.want[i] = append(o.want[i], x)
		}
	}
}

// check compares the frames that a member was sent with what it must hear.
func (o *oracle) check(i int, down *downlink) error {
	for _, f := range down.take() {
		if len(f.Data) != 2*f.Samples || len(o.want[i]) < f.Samples {
			return fmt.Errorf("a frame of %d samples in %d bytes, %d are due", f.Samples, len(f.Data), len(o.want[i]))
		}
		for k := range f.Samples {
			got := float64(int16(binary.LittleEndian.Uint16(f.Data[2*k:])))
			if want := o.want[i][k]; math.Abs(got-want) > 1 {
				return fmt.Errorf("sample %d of a frame is %.0f, want %.0f", k, got, want)
			}
		}
		o.want[i] = o.want[i][f.Samples:]
	}
	if n := len(o.want[i]); n >= 960 {
		return fmt.Errorf("%d samples were not sent", n)
	}
	return nil
}

// Whoever talks, stops, takes and loses the floor: every sample that anybody
// hears is the sum of the others who are heard.
func TestEverySampleIsTheSumOfTheOthers(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			p := newParty(t, wide(), 2+r.IntN(7), 1+r.IntN(4), seed%2 == 0)
			p.peak = 1500 // below the limiter
			o := &oracle{want: make([][]float64, len(p.legs))}
			p.ticked = func() { o.tick(p.legs) }
			heard := 0
			for range 400 {
				for i := range p.says {
					if r.IntN(20) == 0 {
						p.says[i] = !p.says[i]
					}
				}
				p.run(1)
				for i, down := range p.downs {
					if err := o.check(i, down); err != nil {
						t.Fatalf("at %v member %d: %v", p.now, i, err)
					}
					if p.legs[i].audible {
						heard++
					}
				}
			}
			if heard < 100 {
				t.Errorf("only %d times anybody was heard", heard)
			}
		})
	}
}
