package buildinfo

import (
	"fmt"
	"os"
	"strings"
)

const identityPrefix = "migrationlink/"

// Identity is what Temporal shows of a worker in this process: with its version,
// so that workers of different versions are noticed.
func Identity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s%s %d@%s", identityPrefix, Version(), os.Getpid(), host)
}

// SplitIdentity returns version and process of a worker's Identity.
func SplitIdentity(identity string) (version, process string, ok bool) {
	rest, ok := strings.CutPrefix(identity, identityPrefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, " ")
}
