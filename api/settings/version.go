package settings

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// Version returns what a binary was built from, for --version: the module's
// version if it was built as one, the commit, and the Go release.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return version(info)
}

func version(info *debug.BuildInfo) string {
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = ", modified"
		}
	}
	if strings.HasPrefix(v, "v0.0.0-") {
		v = "devel" // that of no release has the commit in it, which follows anyway
	}
	if revision == "" {
		return fmt.Sprintf("%s (%s)", v, info.GoVersion)
	}
	return fmt.Sprintf("%s (commit %s%s, %s)", v, revision, dirty, info.GoVersion)
}
