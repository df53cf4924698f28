package config

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// maxServers is how many addresses a call is tried at, at most.
const maxServers = 16

// checkServers refuses what is no list of addresses, and takes the blanks off
// those that are.
func checkServers(list []string) error {
	switch {
	case len(list) == 0:
		return errors.New("server is empty: use HOST:PORT, for instance 127.0.0.1:50051")
	case len(list) > maxServers:
		return fmt.Errorf("server: %d addresses, more than %d", len(list), maxServers)
	}
	for i := range list {
		a := strings.TrimSpace(list[i])
		list[i] = a
		if err := checkServer(a); err != nil {
			return err
		}
		if slices.Contains(list[:i], a) {
			return fmt.Errorf("server %q is named twice", a)
		}
	}
	return nil
}

func checkServer(server string) error {
	host, port, err := net.SplitHostPort(server)
	if err == nil && host != "" {
		if n, perr := strconv.Atoi(port); perr == nil && n > 0 && n < 1<<16 {
			return nil
		}
	}
	return fmt.Errorf("server %q: use HOST:PORT, for instance 127.0.0.1:50051", server)
}
