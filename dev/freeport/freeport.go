// Package freeport finds loopback ports for servers that are started at the same time.
package freeport

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
)

const (
	// Ports below those that systems give to outgoing connections, any of which
	// could take a port between the moment it is found free and its use.
	lowestPort, highestPort = 15000, 30000
	// portsEach is more than one process needs. Processes that start at the same time
	// begin their search at different ports.
	portsEach = 30
)

// nextPort only grows, so that a port is not found twice before it is used.
var nextPort atomic.Int64

func init() { nextPort.Store(int64(os.Getpid() * portsEach)) }

// Take returns n different free loopback ports.
func Take(n int) ([]int, error) {
	var ports []int
	for range highestPort - lowestPort {
		port := lowestPort + int(nextPort.Add(1))%(highestPort-lowestPort)
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		listener.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("found no %d free ports between %d and %d", n, lowestPort, highestPort)
}
