package wire

import (
	"fmt"
	"regexp"
)

// destinations are the forms of a destination.
var destinations = regexp.MustCompile(`^(echo|tone|room/[a-z0-9._-]{1,64})$`)

// CheckDestination refuses what no server of this contract knows as a
// destination, in a sentence that says what there is. Whether it is there only
// its server can say.
func CheckDestination(destination string) error {
	if destinations.MatchString(destination) {
		return nil
	}
	return fmt.Errorf("%.80q is no destination: use echo, tone or room/NAME, with 1 to 64 of a-z, 0-9, '.', '_' and '-' in NAME", destination)
}
