package buildinfo

import (
	"fmt"
	"os"
	"strings"
)

// Binary returns a name for the program file that differs from build to build. Temporal records
// it for each run, so that operators can reset what a bad build did. Without a name, the SDK
// hashes the file, which takes as long as the rest of a start. It returns "" if the file
// cannot be found: then the SDK does that.
func Binary() string {
	if version := Version(); version != Unknown && !strings.HasSuffix(version, "dirty") {
		return identityPrefix + version
	}
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	file, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s%s-%x-%x", identityPrefix, Unknown, file.Size(), file.ModTime().UnixNano())
}
