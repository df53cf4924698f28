package trace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"callcenter/audio/playlog"
)

// frameMS is how long a frame is, in ms.
const frameMS = 20.0

// Trace is what a model made.
type Trace struct {
	playlog.Trace
	// Header is its first line: frame length, round trip, model and parameters.
	Header string
}

// Append appends the trace as text: the header, and a line per packet.
func (t *Trace) Append(dst []byte) []byte {
	dst = append(append(dst, t.Header...), '\n')
	for _, p := range t.Packets {
		dst = p.Append(dst)
	}
	return dst
}

// parameter is a number that prints as a whole one unless it was given.
type parameter struct {
	name  string
	value float64
	text  string
}

func parameters() []parameter {
	return []parameter{
		{"sec", 60, "60"},
		{"seed", 1, "1"},
		{"rtt", 60, "60"},
		{"loss", 1, "1.0"},
		{"burst", 1.5, "1.5"}, // segments
		{"stall", 2000, "2000"},
		{"ppm", 100, "100"},
		{"maxage", 0, "0"}, // the sender drops what is older; 0: never
		{"jitter", 4, "4"}, // mean
	}
}

// Generate makes the trace that a model and its parameters describe, such as
// "tcp --sec 300 --loss 0.5 --rtt 40", with this seed.
func Generate(spec string, seed int64) (*Trace, error) {
	fields := strings.Fields(spec)
	if len(fields)%2 == 0 {
		return nil, fmt.Errorf("generate trace %q: want MODEL and pairs of --NAME VALUE", spec)
	}
	model, params := fields[0], parameters()
	fields = append(fields, "--seed", strconv.FormatInt(seed, 10))
	for i := 1; i < len(fields); i += 2 {
		name := strings.TrimPrefix(fields[i], "--")
		at := slices.IndexFunc(params, func(p parameter) bool { return p.name == name })
		if at < 0 {
			return nil, fmt.Errorf("generate trace %q: no parameter %q", spec, fields[i])
		}
		v, err := strconv.ParseFloat(fields[i+1], 64)
		if err != nil {
			return nil, fmt.Errorf("generate trace %q: %w", spec, err)
		}
		params[at].value = v
		params[at].text = strconv.FormatFloat(v, 'f', -1, 64)
		if name != "seed" && !strings.Contains(params[at].text, ".") {
			params[at].text += ".0"
		}
	}
	header, value := describe(model, params)
	g := &generator{
		model: model, rnd: newRandom(seed), frames: int(value["sec"] * 50),
		rtt: value["rtt"], base: value["rtt"] / 2, loss: value["loss"] / 100,
		stall: value["stall"], ppm: value["ppm"], maxAge: value["maxage"], jitter: value["jitter"],
	}
	g.channel = newChannel(g.rnd, g.loss, value["burst"])
	if err := g.run(); err != nil {
		return nil, fmt.Errorf("generate trace %q: %w", spec, err)
	}
	return &Trace{Header: header, Trace: playlog.Trace{FrameMS: frameMS, RTTMS: g.rtt, Packets: g.out}}, nil
}

// describe returns the header and the parameters by name.
func describe(model string, params []parameter) (string, map[string]float64) {
	value := make(map[string]float64)
	items := []string{fmt.Sprintf("'model': '%s'", model)}
	for _, p := range params {
		value[p.name] = p.value
		items = append(items, fmt.Sprintf("'%s': %s", p.name, p.text))
	}
	return fmt.Sprintf("# frame_ms=%d rtt_ms=%s %s {%s}", int(frameMS),
		strconv.FormatFloat(value["rtt"], 'g', 6, 64), model, strings.Join(items, ", ")), value
}

// channel loses segments in bursts.
type channel struct {
	rnd         *random
	leave, fall float64 // chance to leave the bad state, and to fall into it
	bad         bool
}

func newChannel(rnd *random, loss, burst float64) channel {
	leave := 1 / max(1, burst)
	return channel{rnd: rnd, leave: leave, fall: leave * loss / max(1e-9, 1-loss)}
}

func (c *channel) loses() bool {
	if c.bad {
		c.bad = c.rnd.unit() >= c.leave
	} else {
		c.bad = c.rnd.unit() < c.fall
	}
	return c.bad
}

// generator holds one run of a model. Times are in ms.
type generator struct {
	model                      string
	rnd                        *random
	frames                     int
	rtt, base, loss            float64
	stall, ppm, maxAge, jitter float64
	channel                    channel
	out                        []playlog.Packet
	last                       float64 // newest arrival
}

// late returns the jitter of one packet.
func (g *generator) late() float64 { return g.rnd.gamma(1.2, g.jitter/1.2) }

func (g *generator) run() error {
	switch g.model {
	case "clean", "wifi", "cell", "stall", "step", "drift", "dtx":
		g.delayed()
	case "ge":
		for i := range g.frames {
			if send := float64(i) * frameMS; !g.channel.loses() {
				g.put(i, send, send+g.base+g.late())
			}
		}
	case "tcp":
		g.tcp()
	default:
		return fmt.Errorf("no model %q", g.model)
	}
	return nil
}

// put notes a packet, in whole microseconds.
func (g *generator) put(i int, send, arrive float64) {
	g.out = append(g.out, playlog.Packet{
		Seq: int64(i), SendUS: int64(send * 1000), ArriveUS: int64(arrive * 1000),
		DTX: g.model == "dtx" && i*20%3000 >= 1200,
	})
}

// inOrder notes a packet behind those before it.
func (g *generator) inOrder(i int, send, arrive float64) {
	g.last = max(arrive, g.last+0.05)
	g.put(i, send, g.last)
}

// delayed runs the models whose delay changes by itself.
func (g *generator) delayed() {
	blocks := g.blocks()
	walk := 40.0
	length := float64(g.frames) * frameMS
	for i := range g.frames {
		send := float64(i) * frameMS
		switch pause := i*20%3000 - 1200; {
		case g.model == "drift":
			send /= 1 + float64(g.ppm*1e-6)
		case g.model == "dtx" && pause >= 0 && pause%400 != 0:
			continue
		}
		delay := g.base + g.late()
		if g.model == "cell" {
			walk = min(120, max(0, walk+g.rnd.normal(3)))
			delay += walk
		}
		if g.model == "step" && length/3 <= send && send < 2*length/3 {
			delay += 80
		}
		arrive, until := send+delay, 0.0
		for _, b := range blocks {
			if b[0] <= arrive && arrive < b[1] {
				until = b[1]
				arrive = until + float64(g.late()*0.2)
			}
		}
		if g.maxAge != 0 && until != 0 && until-send-g.base > g.maxAge {
			continue
		}
		g.inOrder(i, send, arrive)
	}
}

// blocks returns when nothing is delivered, from and to.
func (g *generator) blocks() [][2]float64 {
	var blocks [][2]float64
	length := float64(g.frames) * frameMS
	every := func(t, low, high, mean float64) {
		for t < length {
			d := g.rnd.uniform(low, high)
			blocks = append(blocks, [2]float64{t, t + d})
			t += d + g.rnd.exponential(1/mean)
		}
	}
	switch g.model {
	case "wifi":
		every(2000, 60, 250, 2500)
	case "cell":
		every(g.rnd.uniform(5000, 15000), 300, 900, 20000)
	case "stall":
		blocks = [][2]float64{{10000, 10000 + g.stall}, {40000, 40000 + g.stall}}
	}
	return blocks
}

// tcp runs the model of a thin stream over a path that loses segments.
func (g *generator) tcp() {
	timeout := max(200, g.rtt+float64(4*max(10, g.jitter*2)))
	for i := range g.frames {
		send := float64(i) * frameMS
		at := send
		if g.channel.loses() {
			// The next frame shows the loss, a round trip and the time allowed for
			// reordering later; or the timer does.
			at += min(frameMS+g.rtt+min(g.rtt/4, 2*frameMS), timeout)
			wait := timeout
			for again := 0; g.rnd.unit() < g.loss && again < 6; again++ {
				at += wait
				wait *= 2
			}
		}
		arrive := at + g.base + g.late()
		if g.maxAge != 0 && g.last-g.base > send+g.maxAge {
			continue
		}
		g.inOrder(i, send, arrive)
	}
}
