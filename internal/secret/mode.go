package secret

import (
	"fmt"
	"io/fs"
	"runtime"

	"github.com/migrationlink/migrationlink/internal/textfile"
)

const (
	othersMay   fs.FileMode = 0o007
	othersRead  fs.FileMode = 0o004
	othersWrite fs.FileMode = 0o002
	groupWrites fs.FileMode = 0o020
)

// maxSecret limits a file, in bytes, far above what is needed, so that a wrong file name
// does not fill the memory.
const maxSecret = 64 << 10

// readPrivate reads a file with a secret, unless others may read it. It checks the mode
// of the opened file, so that symbolic links do not matter.
func readPrivate(open textfile.Opener, name string, allowReadable bool) (string, error) {
	file, info, err := textfile.Open(open, name)
	if err != nil {
		return "", fileError(name, err)
	}
	defer func() { _ = file.Close() }()
	if problem := modeProblem(info.Mode().Perm()); problem != "" && !allowReadable {
		return "", fmt.Errorf("file:%s: %s; chmod 600 it, or 440 and give it to a group of the worker's user alone (in a mounted secret set the mode of its files)", name, problem)
	}
	text, err := textfile.Read(file, maxSecret)
	if err != nil {
		return "", fileError(name, err)
	}
	return text, nil
}

// modeProblem returns why a mode is too open. It permits reading by the group:
// orchestrators mount secrets like that.
func modeProblem(mode fs.FileMode) string {
	may := ""
	switch {
	case runtime.GOOS == "windows": // has no such bits
	case mode&othersRead != 0:
		may = "lets every user of the machine read it"
	case mode&othersWrite != 0:
		may = "lets every user of the machine change it"
	case mode&othersMay != 0:
		may = "gives every user of the machine a right to it"
	case mode&groupWrites != 0:
		may = "lets its group change it"
	}
	if may == "" {
		return ""
	}
	return fmt.Sprintf("mode %04o %s", mode, may)
}
