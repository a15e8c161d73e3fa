package assess

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a version of MongoDB: major, minor and patch.
type Version [3]int

// ParseVersion reads a version such as 6.0.17, 6.0.17-ent or 6.0. It reports whether it is one.
func ParseVersion(text string) (Version, bool) {
	release, _, _ := strings.Cut(text, "-")
	parts := strings.Split(release, ".")
	if len(parts) < 2 || len(parts) > 4 { // packages have a fourth number
		return Version{}, false
	}
	var version Version
	for i, part := range parts {
		number, err := strconv.ParseUint(part, 10, 15)
		if err != nil {
			return Version{}, false
		}
		if i < len(version) {
			version[i] = int(number)
		}
	}
	return version, true
}

// String returns the version with all its numbers.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// short leaves out a patch of zero.
func (v Version) short() string {
	if v[2] == 0 {
		return v.series()
	}
	return v.String()
}

// series is the release series, such as 6.0.
func (v Version) series() string { return fmt.Sprintf("%d.%d", v[0], v[1]) }

func (v Version) nextSeries() Version { return Version{v[0], v[1] + 1, 0} }

// Compare returns -1, 0 or 1.
func (v Version) Compare(other Version) int {
	return cmp.Or(cmp.Compare(v[0], other[0]), cmp.Compare(v[1], other[1]), cmp.Compare(v[2], other[2]))
}

func (v Version) less(other Version) bool { return v.Compare(other) < 0 }
