package buildinfo

import (
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strings"
)

const identityPrefix = "migrationlink/"

// Worker is what the identity of a worker in Temporal shows.
type Worker struct {
	Version string
	// Process is its number and host.
	Process string
	// Managers differs between workers whose configurations name different
	// managers. It is a hash: every event of a history repeats the identity.
	Managers string
}

// Identity is what Temporal shows of a worker in this process, so that workers
// of different versions or configurations are noticed.
func Identity(managers []string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(strings.Join(slices.Sorted(slices.Values(managers)), " "))) // never fails
	return fmt.Sprintf("%s%s %d@%s %08x", identityPrefix, Version(), os.Getpid(), host, hash.Sum32())
}

// ParseIdentity reads what Identity wrote; other programs have other identities.
func ParseIdentity(identity string) (Worker, bool) {
	rest, ok := strings.CutPrefix(identity, identityPrefix)
	if !ok {
		return Worker{}, false
	}
	parts := strings.Split(rest, " ")
	if len(parts) != 3 {
		return Worker{}, false
	}
	return Worker{parts[0], parts[1], parts[2]}, true
}
