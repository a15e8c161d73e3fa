// Package secret reads secrets from where a reference says they are: the key
// material of a worker's configuration, and the link-tokens that a request
// names. Its errors name the reference and the remedy, never a value.
package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/migrationlink/migrationlink/redact"
)

// variableName is narrow so that a secret put behind "env:" by mistake, such as
// a key with hyphens, is not taken for a name and repeated.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Reader reads key material.
type Reader struct {
	// AllowReadable accepts files that others than the worker's user may read or
	// write. For tests only.
	AllowReadable bool
}

// Resolve is Reader.Resolve of the Reader that accepts no readable file.
func Resolve(reference string) (redact.Secret, error) { return Reader{}.Resolve(reference) }

// Resolve returns the key to which a reference of the configuration points:
// "env:NAME", any environment variable, or "file:/path", a file by its absolute
// path that nobody else may read. A line end after the value is dropped.
func (r Reader) Resolve(reference string) (redact.Secret, error) {
	text, err := r.read(reference)
	if err != nil {
		return redact.Secret{}, err
	}
	text = strings.TrimRight(text, "\r\n")
	switch {
	case text == "":
		return redact.Secret{}, fmt.Errorf("%s is empty; put the key into it", reference)
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return redact.Secret{}, fmt.Errorf("%s holds more than one word or line; put the key alone into it", reference)
	}
	return redact.NewSecret(text), nil
}

// ResolveText is Resolve for what may have several lines, such as identities of
// age.
func (r Reader) ResolveText(reference string) (redact.Secret, error) {
	text, err := r.read(reference)
	if err != nil {
		return redact.Secret{}, err
	}
	return redact.NewSecret(text), nil
}

// ReadKeyFile returns what is in a file that nobody else may read, by its
// absolute path.
func (r Reader) ReadKeyFile(path string) (redact.Secret, error) { return r.ResolveText("file:" + path) }

// CheckKeyFile is ReadKeyFile for a file that somebody else reads. Relative
// paths are taken from where the process runs.
func (r Reader) CheckKeyFile(path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	_, err = r.ReadKeyFile(absolute)
	return err
}

// File is the path of a reference to a file.
func File(reference string) (path string, ok bool) {
	path, ok = strings.CutPrefix(reference, "file:")
	return path, ok && filepath.IsAbs(path)
}

func (r Reader) read(reference string) (string, error) {
	kind, name, _ := strings.Cut(reference, ":")
	switch {
	case reference == "":
		return "", errors.New(`is missing; set it to "env:NAME" or "file:/path"`)
	case kind == "env" && variableName.MatchString(name):
		return readVariable(name, "the worker's environment")
	case kind == "file" && filepath.IsAbs(name):
		return r.readFile(name)
	case kind == "file":
		return "", errors.New("the path behind file: must be absolute, so that it does not depend on where the worker is started")
	}
	return "", errors.New(`is not a reference; keep the key out of this file and set "env:NAME" or "file:/path"`)
}

func readVariable(name, where string) (string, error) {
	text, found := os.LookupEnv(name)
	if !found {
		return "", fmt.Errorf("env:%s is not set; set it in %s", name, where)
	}
	return text, nil
}

func (r Reader) readFile(path string) (string, error) {
	return readPrivate(os.OpenFile, path, r.AllowReadable)
}

// fileError drops the path that package os puts before its errors: it would
// stand there twice.
func fileError(name string, err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err
	}
	return fmt.Errorf("file:%s cannot be read: %w; check that the file is there and that the worker's user may read it", name, err)
}
