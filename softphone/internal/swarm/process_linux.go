package swarm

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is the unit of times in /proc/PID/stat: USER_HZ, which is 100 on
// every architecture that Go runs on.
const clockTick = 10 * time.Millisecond

// process is a process on this computer; the zero value is none.
type process struct{ pid int }

// findServer returns the process that listens at an address, "HOST:PORT", if
// that is of this computer and belongs to no container that hides it: the inode
// of its listening socket in /proc/net/tcp, then whoever has that open. A server
// within this process is none: its use cannot be told from ours.
func findServer(address string) process {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return process{}
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return process{}
	}
	ips, err := net.LookupIP(host)
	if err != nil {
		return process{}
	}
	inodes := make(map[string]bool)
	for _, ip := range ips {
		if isLocal(ip) {
			listeners("/proc/net/tcp", ip, uint16(number), inodes)
			listeners("/proc/net/tcp6", ip, uint16(number), inodes)
		}
	}
	if len(inodes) == 0 {
		return process{}
	}
	return process{owner(inodes)}
}

// isLocal says whether this computer has the address.
func isLocal(ip net.IP) bool {
	addresses, err := net.InterfaceAddrs()
	return ip.IsLoopback() || err == nil && slices.ContainsFunc(addresses, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.Equal(ip)
	})
}

// listeners adds the inodes of the sockets in a table of the kernel's that listen
// at the port, on that address or on all.
func listeners(table string, ip net.IP, port uint16, inodes map[string]bool) {
	f, err := os.Open(table)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		const listening = "0A"
		if len(fields) < 10 || fields[3] != listening {
			continue
		}
		at, hexPort, _ := strings.Cut(fields[1], ":")
		if local := kernelIP(at); hexPort == fmt.Sprintf("%04X", port) && (local.IsUnspecified() || local.Equal(ip)) {
			inodes["socket:["+fields[9]+"]"] = true
		}
	}
}

// kernelIP reads an address as /proc prints it: the numbers that its words are
// on this computer.
func kernelIP(text string) net.IP {
	b, err := hex.DecodeString(text)
	if err != nil || len(b)%4 != 0 {
		return nil
	}
	for word := range slices.Chunk(b, 4) {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	return b
}

// owner returns the one other process that has one of the sockets open, or 0.
func owner(sockets map[string]bool) int {
	open, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return 0
	}
	found := 0
	for _, fd := range open {
		if to, err := os.Readlink(fd); err != nil || !sockets[to] {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(fd, "/")[2])
		if err != nil || pid == os.Getpid() || found != 0 && found != pid {
			return 0
		}
		found = pid
	}
	return found
}

// used returns the processor time of the process so far, and false if it is not
// known.
func (p process) used() (time.Duration, bool) {
	if p.pid == 0 {
		return 0, false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		return 0, false
	}
	// The name, in parentheses, may have anything in it; utime and stime are the
	// 14th and 15th fields, the 12th and 13th behind it.
	i := strings.LastIndexByte(string(stat), ')')
	fields := strings.Fields(string(stat[i+1:]))
	if len(fields) < 13 {
		return 0, false
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, false
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * clockTick, err == nil
}

// resident returns how many bytes of memory the process has, and false if that is
// not known.
func (p process) resident() (int64, bool) {
	if p.pid == 0 {
		return 0, false
	}
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.pid))
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}

// ownUse returns the processor time of this process so far.
func ownUse() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
