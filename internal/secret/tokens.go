package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/migrationlink/migrationlink"
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

// AllowReadable returns the source that accepts files that others than the
// worker's user may read or write. For tests only.
func (t Tokens) AllowReadable() Tokens {
	t.allowReadable = true
	return t
}

// Resolve returns the link-token of a request, without surrounding white space.
// Requests come from anybody who may start a workflow, so it checks again what
// their validation promises: no other variable of the worker, and no file
// outside the directory, can be read.
func (t Tokens) Resolve(source migrationlink.TokenSource) (redact.Secret, error) {
	text, err := t.read(source.Ref)
	if err != nil {
		return redact.Secret{}, err
	}
	if text = strings.TrimSpace(text); text == "" {
		return redact.Secret{}, fmt.Errorf("%s is empty; put the link-token into it", source.Ref)
	}
	return redact.NewSecret(text), nil
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
	// Not repeated: it may be the link-token itself.
	return "", fmt.Errorf(`the reference to the link-token must be "env:%sNAME", or "file:name" inside the worker's directory of link-tokens`, migrationlink.EnvTokenPrefix)
}

// readFile opens the directory anew each time: a mounted secret may be replaced
// while the worker runs. Symbolic links are followed inside the directory only,
// which is what mounted secrets consist of.
func (t Tokens) readFile(name string) (string, error) {
	root, err := os.OpenRoot(t.directory)
	if err != nil {
		return "", fmt.Errorf("the worker's directory of link-tokens cannot be opened: %w; check tokens.directory in its configuration", err)
	}
	defer func() { _ = root.Close() }()
	text, err := readPrivate(root.OpenFile, name, t.allowReadable)
	if err != nil && strings.Contains(err.Error(), "escapes") { // package os exports no such error
		return "", fmt.Errorf("file:%s leads out of the worker's directory of link-tokens; put the file itself there, or a link that stays inside", name)
	}
	return text, err
}
