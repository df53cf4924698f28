package resample

// Downmix writes to dst the mean of each frame of interleaved samples of that
// many channels, and returns how many frames there were: as many whole ones as
// src has and dst has room for. dst may be the beginning of src.
func Downmix(dst, src []int16, channels int) int {
	if channels < 1 {
		return 0
	}
	n := min(len(dst), len(src)/channels)
	for i := range n {
		sum := 0
		for _, s := range src[i*channels : (i+1)*channels] {
			sum += int(s)
		}
		dst[i] = int16(sum / channels)
	}
	return n
}

// Interleave writes to dst frames of that many channels which all carry the
// samples of src, and returns how many samples it wrote: as many whole frames
// as dst has room for. dst and src do not overlap.
func Interleave(dst, src []int16, channels int) int {
	if channels < 1 {
		return 0
	}
	n := min(len(src), len(dst)/channels)
	for i, s := range src[:n] {
		frame := dst[i*channels : (i+1)*channels]
		for c := range frame {
			frame[c] = s
		}
	}
	return n * channels
}
