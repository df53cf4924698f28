package pulse

import "context"

// The devices that Cable adds.
const (
	CableMic = "cable_mic" // source: what Cable.Say plays
	CableEar = "cable_ear" // sink: what Cable.Record hears
)

// Cable is a microphone and an earpiece on the two channels of one sink. As
// both ends have the same clock, one recording shows the delay between them to
// the sample, whenever it was started.
type Cable struct {
	server *Server
}

// Cable adds CableMic and CableEar. It may be called once a Server.
func (s *Server) Cable() *Cable {
	s.tb.Helper()
	s.LoadModule("module-null-sink", "sink_name=cable", "norewinds=1", "rate=48000", "channels=2",
		"channel_map=front-left,front-right")
	s.LoadModule("module-remap-source", "source_name="+CableMic, "master=cable.monitor", "channels=1",
		"channel_map=mono", "master_channel_map=front-left", "remix=no")
	s.LoadModule("module-remap-sink", "sink_name="+CableEar, "master=cable", "channels=1",
		"channel_map=mono", "master_channel_map=front-right", "remix=no")
	return &Cable{server: s}
}

// Say plays mono PCM into the microphone and returns when the last of it was
// played, or ctx has ended.
func (c *Cable) Say(ctx context.Context, pcm []int16) error {
	stereo := make([]int16, 2*len(pcm))
	for i, v := range pcm {
		stereo[2*i] = v
	}
	return c.server.play(ctx, "cable", 2, stereo)
}

// CableRecording is a running recording of both ends of a Cable.
type CableRecording struct {
	*Recording
}

// Record records both ends from now until Stop or the end of the test.
func (c *Cable) Record() *CableRecording {
	c.server.tb.Helper()
	return &CableRecording{c.server.record("cable.monitor", 2)}
}

// Stop ends the recording and returns what was said and what was heard, with the
// same clock: said[i] and heard[i] are the same moment.
func (r *CableRecording) Stop() (said, heard []int16) {
	channels := r.stop()
	return channels[0], channels[1]
}
