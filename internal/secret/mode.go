package secret

import (
	"fmt"
	"io/fs"
	"runtime"
)

const (
	othersMay   fs.FileMode = 0o007
	othersRead  fs.FileMode = 0o004
	othersWrite fs.FileMode = 0o002
	groupWrites fs.FileMode = 0o020
)

// readPrivate reads a file with a secret, unless others may. The mode is that of
// the opened file, so that symbolic links do not count.
func readPrivate(how opener, name string, allowReadable bool) (string, error) {
	file, info, err := open(how, name)
	if err != nil {
		return "", fileError(name, err)
	}
	defer func() { _ = file.Close() }()
	if problem := modeProblem(info.Mode().Perm()); problem != "" && !allowReadable {
		return "", fmt.Errorf("file:%s: %s; chmod 600 it, or 440 and give it to a group of the worker's user alone (in a mounted secret set the mode of its files)", name, problem)
	}
	content, err := readLimited(file, maxSecret)
	if err != nil {
		return "", fileError(name, err)
	}
	return string(content), nil
}

// modeProblem permits reading by the group: orchestrators mount secrets so.
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
