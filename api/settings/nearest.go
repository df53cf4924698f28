package settings

// maxCompared bounds the work on a key that is no setting's length anyway.
const maxCompared = 64

// nearest returns the name that takes the fewest edits from key, and how many.
func nearest(key string, names []string) (string, int) {
	if len(key) > maxCompared {
		key = key[:maxCompared]
	}
	best, least := "", 0
	for _, name := range names {
		if d := distance(key, name); best == "" || d < least {
			best, least = name, d
		}
	}
	return best, least
}

// distance is the Levenshtein distance of two texts, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
