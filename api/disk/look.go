package disk

import (
	"io/fs"
	"os"
)

// Seen is how files looked from outside, through links. The zero value is of none.
type Seen []seen

type seen struct {
	path string
	info fs.FileInfo // nil of one that could not be looked at
}

// Look looks at files.
func Look(paths ...string) Seen {
	s := make(Seen, len(paths))
	for i, path := range paths {
		info, _ := os.Stat(path) // nil with an error
		s[i] = seen{path, info}
	}
	return s
}

// Same reports that the same files, in the same order, look as they did.
func (s Seen) Same(as Seen) bool {
	if len(s) != len(as) {
		return false
	}
	for i := range s {
		if !s[i].same(as[i]) {
			return false
		}
	}
	return true
}

func (s seen) same(as seen) bool {
	switch {
	case s.path != as.path:
		return false
	case s.info == nil || as.info == nil:
		return s.info == as.info
	}
	return os.SameFile(s.info, as.info) && s.info.Size() == as.info.Size() &&
		s.info.ModTime().Equal(as.info.ModTime()) && s.info.Mode() == as.info.Mode()
}
