package config

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/redact"
)

// Tokens is the section [tokens].
type Tokens struct {
	// Directory holds the files that requests may name as link-tokens. Empty means that
	// they cannot name files.
	Directory string
	// Identities open sealed link-tokens. Link-tokens created in Atlas are sealed to the
	// first.
	Identities seal.Identities

	allowReadable bool
}

// Source returns the source that resolves the link-tokens of requests.
func (t Tokens) Source() secret.Tokens {
	tokens := secret.NewTokens(t.Directory)
	if t.allowReadable {
		return tokens.AllowReadable()
	}
	return tokens
}

func readTokens(s *section) Tokens {
	defer s.end()
	return Tokens{
		Directory:     readDirectory(s),
		Identities:    readIdentities(s),
		allowReadable: s.reader.AllowReadable,
	}
}

func readDirectory(s *section) string {
	directory := s.text("directory", "")
	if directory == "" {
		return ""
	}
	if !filepath.IsAbs(directory) {
		s.report("directory", "must be an absolute path, so that it does not depend on where the worker is started")
	} else if info, err := os.Stat(directory); err != nil {
		s.reportError("directory", fmt.Errorf("%w; create it, or leave it out when all link-tokens come from the environment", err))
	} else if !info.IsDir() {
		s.report("directory", "is a file; name the directory that holds it")
	}
	return directory
}

func readIdentities(s *section) seal.Identities {
	var files []redact.Secret
	for i, reference := range s.texts("identities", `["file:/path"]`) {
		key := fmt.Sprintf("identities[%d]", i)
		file, err := s.resolve(key, reference, s.reader.ResolveText)
		if err != nil {
			s.reportError(key, err)
			continue
		}
		if _, err := seal.ParseIdentities(file); err != nil {
			s.report(key, fmt.Sprintf("%s: %v", reference, err))
			continue
		}
		files = append(files, file)
	}
	all, _ := seal.ParseIdentities(files...) // each of them has been parsed before
	return all
}

// checkAtlasHasIdentities requires identities if Atlas is configured: link-tokens
// created there are sealed before they enter the workflow history.
func checkAtlasHasIdentities(file *section, c Config) {
	tokens, _ := file.values["tokens"].(map[string]any)
	if _, set := tokens["identities"]; len(c.Atlas) > 0 && !set {
		file.report("tokens.identities", `is missing; link-tokens that are made in Atlas are sealed to the first: make one with starter keygen, and set ["file:/path"]`)
	}
}
