// Package secret resolves references to secrets: the key material of a worker's
// configuration, and the link-tokens of requests. Its errors name the reference and the
// remedy, never a value.
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

	"github.com/migrationlink/migrationlink/internal/local"
	"github.com/migrationlink/migrationlink/internal/textfile"
	"github.com/migrationlink/migrationlink/redact"
)

// variableName is narrow, so that a secret written after "env:" by mistake, such as a
// key with hyphens, is not repeated as a name.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Reader reads key material.
type Reader struct {
	// AllowReadable accepts files that other users may read or write. For tests only.
	AllowReadable bool
}

// Resolve is Reader.Resolve with the zero Reader.
func Resolve(reference string) (redact.Secret, error) { return Reader{}.Resolve(reference) }

// Resolve returns the key for a reference in the configuration: "env:NAME", any
// environment variable, or "file:/path", an absolute path of a file that nobody else may
// read. It drops line ends after the value.
func (r Reader) Resolve(reference string) (redact.Secret, error) {
	text, err := r.read(reference)
	if err != nil {
		return redact.Secret{}, err
	}
	text = strings.TrimRight(text, "\n")
	switch {
	case text == "":
		return redact.Secret{}, fmt.Errorf("%s is empty; put the key into it", reference)
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return redact.Secret{}, fmt.Errorf("%s holds more than one word or line; put the key alone into it", reference)
	}
	return redact.NewSecret(text), nil
}

// ResolveText is Resolve for a text of several lines, such as age identities.
func (r Reader) ResolveText(reference string) (redact.Secret, error) {
	text, err := r.read(reference)
	if err != nil {
		return redact.Secret{}, err
	}
	return redact.NewSecret(text), nil
}

// ReadKeyFile returns the content of a file that nobody else may read, by its absolute
// path.
func (r Reader) ReadKeyFile(path string) (redact.Secret, error) { return r.ResolveText("file:" + path) }

// CheckKeyFile checks a file as ReadKeyFile does. A path may be relative to the working
// directory.
func (r Reader) CheckKeyFile(path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	_, err = r.ReadKeyFile(absolute)
	return err
}

// File returns the path of a reference to a file.
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
	text, err := textfile.Decode([]byte(text))
	if err != nil {
		return "", fmt.Errorf("env:%s cannot be used: %w", name, err)
	}
	return text, nil
}

func (r Reader) readFile(path string) (string, error) {
	return readPrivate(os.OpenFile, path, r.AllowReadable)
}

// fileError drops the path that package os puts before its errors: it would be there
// twice.
func fileError(name string, err error) error {
	why, remedy := err, local.Remedy(err)
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		why = inner.Err
	}
	_, noText := errors.AsType[*textfile.Error](err)
	switch {
	case noText:
		return fmt.Errorf("file:%s cannot be used: %w", name, why)
	case remedy != "":
		return localError{fmt.Errorf("file:%s cannot be read: %w; this is a problem of the worker's machine: %s", name, why, remedy)}
	}
	return fmt.Errorf("file:%s cannot be read: %w; check that the file is there and that the worker's user may read it", name, why)
}

// localError is a problem of this machine.
type localError struct{ error }

func (e localError) Unwrap() error { return e.error }

// IsLocal reports whether err is a problem of this machine, not of the request: a retry,
// here or on another machine, may succeed.
func IsLocal(err error) bool {
	_, marked := errors.AsType[localError](err)
	return marked || local.Trouble(err)
}
