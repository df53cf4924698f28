//go:build linux && !race

package desk

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// roleVariable makes this binary the bare pair.
const roleVariable = "DESK_TEST_ROLE"

const roleBare = "bare"

// programs is the folder of what is measured, built once.
var programs string

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == roleBare {
		os.Exit(pair())
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "desk")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make a folder for the programs:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programs = dir
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "callcenter/softphone", "callcenter/server")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
