package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// license is one file of a module.
type license struct {
	names []string // by SPDX; none for a notice
	text  string
}

// accepted are the licences that somebody has read. Each permits distribution in binary
// form, with its text. Read a licence before you add it.
var accepted = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}

// unstated are modules without a licence. Ask about them before a release.
var unstated = map[string]string{
	"github.com/nexus-rpc/nexus-proto-annotations": "none stated; a requirement of go.temporal.io/api (MIT), by the same authors",
}

var (
	licenseFiles = regexp.MustCompile(`(?i)^(licen[sc]e|copying|copyright|notice|patents)([-_.].*)?$`)
	noticeFiles  = regexp.MustCompile(`(?i)^(notice|patents|copyright)`)
)

// identify returns the licences in a text, by SPDX.
func identify(text string) ([]string, error) {
	var names []string
	for _, match := range licensecheck.Scan([]byte(text)).Match {
		if match.IsURL || slices.Contains(names, match.ID) {
			continue
		}
		if !slices.Contains(accepted, match.ID) {
			return nil, fmt.Errorf("licence %s is not accepted here", match.ID)
		}
		names = append(names, match.ID)
	}
	if len(names) == 0 {
		return nil, errors.New("no known licence")
	}
	slices.Sort(names)
	return names, nil
}

// licenses returns the licences and notices in the module's root and in the directories
// from there to its linked packages.
func (m module) licenses() ([]license, error) {
	directories := []string{m.dir}
	for _, directory := range m.packages {
		for ; len(directory) > len(m.dir); directory = filepath.Dir(directory) {
			directories = append(directories, directory)
		}
	}
	slices.Sort(directories)
	var found []license
	for _, directory := range slices.Compact(directories) {
		files, err := read(directory)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.path, err)
		}
		found = append(found, files...)
	}
	if !slices.ContainsFunc(found, func(l license) bool { return l.names != nil }) && unstated[m.path] == "" {
		return nil, fmt.Errorf("%s has no licence", m.path)
	}
	return found, nil
}

func read(directory string) ([]license, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, fmt.Errorf("%w; go mod download", err)
	}
	var found []license
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !licenseFiles.MatchString(entry.Name()) || filepath.Ext(entry.Name()) == ".go" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(directory, entry.Name())) // #nosec G304 -- of the module cache
		if err != nil {
			return nil, err
		}
		l := license{text: strings.TrimSpace(strings.ReplaceAll(string(content), "\r\n", "\n"))}
		if !noticeFiles.MatchString(entry.Name()) {
			if l.names, err = identify(l.text); err != nil {
				return nil, fmt.Errorf("%s: %w", entry.Name(), err)
			}
		}
		found = append(found, l)
	}
	return found, nil
}
