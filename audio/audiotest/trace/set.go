package trace

// Named is a trace's name and what Generate makes it of.
type Named struct {
	Name, Spec string
}

// Set returns the traces that the peers were measured on, with seed 1.
func Set() []Named {
	return []Named{
		{"clean", "clean --sec 120"},
		{"clean_j15", "clean --sec 120 --jitter 15"},
		{"tcp_0.5_40", "tcp --sec 300 --loss 0.5 --rtt 40"},
		{"tcp_1_60", "tcp --sec 300 --loss 1 --rtt 60"},
		{"tcp_2_100", "tcp --sec 300 --loss 2 --rtt 100"},
		{"tcp_2_100_drop200", "tcp --sec 300 --loss 2 --rtt 100 --maxage 200"},
		{"tcp_5_150", "tcp --sec 300 --loss 5 --rtt 150 --burst 2"},
		{"wifi", "wifi --sec 300"},
		{"cell", "cell --sec 300"},
		{"cell_drop300", "cell --sec 300 --maxage 300"},
		{"stall500", "stall --sec 80 --stall 500"},
		{"stall2000", "stall --sec 80 --stall 2000"},
		{"stall5000", "stall --sec 80 --stall 5000"},
		{"stall5000_drop300", "stall --sec 80 --stall 5000 --maxage 300"},
		{"step", "step --sec 120"},
		{"drift200", "drift --sec 300 --ppm 200"},
		{"driftm200", "drift --sec 300 --ppm -200"},
		{"ge_2", "ge --sec 120 --loss 2"},
		{"dtx", "dtx --sec 120"},
	}
}

// Peer is how a playout buffer did on a trace of Set. Delays are in ms above
// the fastest packet.
type Peer struct {
	Trace     string
	Name      string // ref is the control law alone, simulated
	Mean, P95 float64
	Concealed float64 // percent
	TTLMean   float64 // after a stall, until the delay is back
	TTLMax    float64
	R         float64
}

// Find returns the row of a peer on a trace.
func Find(trace, name string) (Peer, bool) {
	for _, p := range Peers() {
		if p.Trace == trace && p.Name == name {
			return p, true
		}
	}
	return Peer{}, false
}
