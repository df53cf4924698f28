//go:build linux && !race

package faults

import (
	"bufio"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// crash makes the server's libopus fault in its encoder: a read through a nil
// pointer in C, in a call from Go, as a bug there would do. The memory of the
// running process is changed for it; the program is the one that ships. Where the
// kernel does not let a test write there, the signal alone must do.
func crash(t *testing.T, s *scene) time.Time {
	t.Helper()
	if err := poison(s.server.cmd.Process.Pid, "libopus.so", "opus_encode"); err != nil {
		t.Logf("only a signal, since the server's libopus cannot be changed: %v", err)
		return die(syscall.SIGSEGV)(t, s)
	}
	if !eventually(s.server.isDead) {
		t.Fatal("the server survives a fault in C")
	}
	if !s.server.said("signal arrived during cgo execution") {
		t.Fatalf("the server did not die of a fault in C:\n%s", s.server.tail())
	}
	return restart(t, s)
}

// poison overwrites the beginning of a C function in a process.
func poison(pid int, library, function string) error {
	var code []byte // that reads from address 0
	switch runtime.GOARCH {
	case "amd64":
		code = []byte{0x31, 0xc0, 0x8b, 0x00} // xor eax,eax; mov eax,[rax]
	case "arm64":
		code = []byte{0x00, 0x00, 0x80, 0xd2, 0x00, 0x00, 0x40, 0xf9} // mov x0,#0; ldr x0,[x0]
	default:
		return fmt.Errorf("no machine code for %s", runtime.GOARCH)
	}
	base, path, err := mapped(pid, library)
	if err != nil {
		return err
	}
	offset, err := symbol(path, function)
	if err != nil {
		return err
	}
	mem, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = mem.WriteAt(code, int64(base+offset))
	return errors.Join(err, mem.Close())
}

// mapped finds where a library begins in a process, and its file.
func mapped(pid int, library string) (base uint64, path string, err error) {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = maps.Close() }()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 6 && strings.Contains(fields[5], library) {
			from, _, _ := strings.Cut(fields[0], "-")
			base, err = strconv.ParseUint(from, 16, 64)
			return base, fields[5], err
		}
	}
	return 0, "", fmt.Errorf("the process has no %s", library)
}

// symbol finds a function in a library that is mapped from its beginning.
func symbol(path, function string) (uint64, error) {
	lib, err := elf.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = lib.Close() }()
	symbols, err := lib.DynamicSymbols()
	if err != nil {
		return 0, err
	}
	for _, s := range symbols {
		if s.Name == function {
			return s.Value, nil
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, function)
}
