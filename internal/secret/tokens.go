package secret

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/local"
	"github.com/migrationlink/migrationlink/redact"
)

var tokenVariable = regexp.MustCompile(`^` + migrationlink.EnvTokenPrefix + `[A-Z0-9_]+$`)

// Tokens is the worker's source of link-tokens.
type Tokens struct {
	directory     string
	allowReadable bool
}

// NewTokens returns the source whose references of the form "file:name" are
// files below directory. An empty directory means that there are none.
func NewTokens(directory string) Tokens { return Tokens{directory: directory} }

// AllowReadable returns a source that accepts files that other users may read or write.
// For tests only.
func (t Tokens) AllowReadable() Tokens {
	t.allowReadable = true
	return t
}

// Resolve returns the link-token of a request, without surrounding white space. IsLocal
// reports whether an error is a problem of this machine. Anyone who may start a workflow
// can send a request, so Resolve repeats the checks of its validation: no other variable
// of the worker, and no file outside the directory, can be read.
func (t Tokens) Resolve(source migrationlink.TokenSource) (redact.Secret, error) {
	text, err := t.read(source.Ref)
	if err != nil {
		return redact.Secret{}, err
	}
	token := redact.NewSecret(strings.TrimSpace(text))
	if err := CheckLinkToken(token); err != nil {
		return redact.Secret{}, fmt.Errorf("%s %w; put the link-token into it, alone and as Atlas has shown it", source.Ref, err)
	}
	return token, nil
}

func (t Tokens) read(reference string) (string, error) {
	kind, name, _ := strings.Cut(reference, ":")
	switch {
	case kind == "env" && tokenVariable.MatchString(name):
		return readVariable(name, "the environment of every worker")
	case kind == "file" && t.directory == "":
		return "", errors.New("the worker has no directory of link-tokens; set tokens.directory in its configuration, or use an environment variable")
	case kind == "file" && filepath.IsLocal(name):
		return t.readFile(name)
	}
	// The reference is not repeated: it may be the link-token itself.
	return "", fmt.Errorf(`the reference to the link-token must be "env:%sNAME", or "file:name" inside the worker's directory of link-tokens`, migrationlink.EnvTokenPrefix)
}

// readFile opens the directory each time: a mounted secret may be replaced while the
// worker runs. It follows symbolic links, which mounted secrets consist of, inside the
// directory only.
func (t Tokens) readFile(name string) (string, error) {
	root, err := os.OpenRoot(t.directory)
	if err != nil {
		// The directory is not part of the request, so another request would not help.
		return "", localError{fmt.Errorf("the worker's directory of link-tokens cannot be opened: %w; %s", err,
			cmp.Or(local.Remedy(err), "mount or create it, or check tokens.directory in the worker's configuration"))}
	}
	defer func() { _ = root.Close() }()
	text, err := readPrivate(root.OpenFile, name, t.allowReadable)
	switch {
	case err == nil:
		return text, nil
	case strings.Contains(err.Error(), "escapes"): // package os exports no such error
		return "", fmt.Errorf("file:%s leads out of the worker's directory of link-tokens; put the file itself there, or a link that stays inside", name)
	case errors.Is(err, fs.ErrNotExist) && isEmpty(root):
		return "", localError{fmt.Errorf("file:%s cannot be read: the worker's directory of link-tokens is empty; mount its volume if it has one, or put the file there", name)}
	}
	return "", err
}

// isEmpty reports whether a directory is empty.
func isEmpty(root *os.Root) bool {
	directory, err := root.Open(".")
	if err != nil {
		return false
	}
	defer func() { _ = directory.Close() }()
	names, err := directory.Readdirnames(1)
	return len(names) == 0 && errors.Is(err, io.EOF)
}
