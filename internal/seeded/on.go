//go:build seeded

package seeded

import "os"

// Variable names the bug that a build with the tag seeded has.
const Variable = "MIGRATIONLINK_SEEDED_BUG"

// On reports whether a bug is put in.
func On(bug Bug) bool { return os.Getenv(Variable) == string(bug) }
