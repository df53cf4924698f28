package history

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"

	"callcenter/softphone/internal/lockfile"
)

// A softphone that writes holds a file of its own beside the database, locked for
// as long as its process lives, and its calls bear the name of that file. A call
// without an end goes on while that file is held; else it is cut. A process id
// would come again, and a time of the last refresh would call a softphone dead
// that was asleep with its computer.
const lifeInfix = ".writer-"

// hold makes the sign of life of this softphone and returns its name.
func hold(path string) (writer string, release func() error, err error) {
	writer = rand.Text()
	release, err = lockfile.Hold(path + lifeInfix + writer)
	return writer, release, err
}

// alive reports that the softphone of that name still writes to the database.
func alive(path, writer string) bool {
	if writer == "" || strings.ContainsAny(writer, `/\`) {
		return false // nothing of ours
	}
	return lockfile.Held(path + lifeInfix + writer)
}

// bury removes the signs of life of those who died. The caller keeps others from
// making theirs.
func bury(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return // there is always a next time
	}
	prefix := filepath.Base(path) + lifeInfix
	for _, e := range entries {
		if writer, ok := strings.CutPrefix(e.Name(), prefix); ok && !alive(path, writer) {
			_ = os.Remove(path + lifeInfix + writer)
		}
	}
}
