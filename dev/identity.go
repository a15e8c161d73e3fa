package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/redact"
)

// identity opens what is sealed to its recipient. keys is the content of its file
// without comments.
type identity struct{ file, keys, recipient string }

// readIdentity reads the identity of the stack and creates it the first time, so that
// links that wait with a sealed link-token survive a restart.
func readIdentity(path string) (identity, error) {
	path, err := filepath.Abs(path) // the worker's configuration needs an absolute path
	if err != nil {
		return identity{}, err
	}
	content, err := os.ReadFile(path) //nolint:gosec // its own file, in the directory that was asked for
	if errors.Is(err, fs.ErrNotExist) {
		return makeIdentity(path)
	}
	if err != nil {
		return identity{}, err
	}
	known, err := seal.ParseIdentities(redact.NewSecret(string(content)))
	if err != nil {
		return identity{}, fmt.Errorf("%s %w; remove it to have another one made", path, err)
	}
	return identity{path, withoutComments(string(content)), known.Recipients()[0].String()}, os.Chmod(path, 0o600)
}

// makeIdentity writes a file as age-keygen does.
func makeIdentity(path string) (identity, error) {
	secret, recipient, err := seal.GenerateIdentity(false)
	if err != nil {
		return identity{}, err
	}
	text := fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", time.Now().Format(time.RFC3339), recipient, secret.Reveal())
	return identity{path, secret.Reveal(), recipient.String()}, writePrivate(path, text)
}

// withoutComments returns the key of a file with one identity.
func withoutComments(text string) string {
	lines := slices.Collect(strings.SplitSeq(text, "\n"))
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		line = strings.TrimSpace(line)
		return line == "" || strings.HasPrefix(line, "#")
	}), "\n")
}
