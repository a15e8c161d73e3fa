package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// The most that is read of a file, in bytes: far above what is needed, and it
// keeps a wrong file name from filling the memory.
const (
	maxSecret = 64 << 10
	maxFile   = 1 << 20
)

var errNoFile = errors.New("it is not a regular file")

// ReadFile returns what is in a file that is no secret: a regular one of at most
// 1 MiB. Its error tells the path and the reason.
func ReadFile(path string) ([]byte, error) {
	file, _, err := open(os.OpenFile, path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return readLimited(file, maxFile)
}

// opener is os.OpenFile, or that of a directory.
type opener func(name string, flag int, mode fs.FileMode) (*os.File, error)

// open opens a regular file. Without O_NONBLOCK a pipe would block until somebody
// writes to it.
func open(how opener, name string) (*os.File, fs.FileInfo, error) {
	file, err := how(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errNoFile}
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

func readLimited(file *os.File, most int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(content)) > most {
		err = &fs.PathError{Op: "read", Path: file.Name(), Err: fmt.Errorf("it is larger than %d KiB", most>>10)}
	}
	if err != nil {
		return nil, err
	}
	return content, nil
}
