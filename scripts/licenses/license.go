package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// license is one file that a module brings.
type license struct {
	Name string // by SPDX; empty for a notice
	Text string
}

// Sentences of which each stands in all copies of one licence, and in no other that
// is here. Each of these licences permits programs to be given away in binary form,
// with its text; whoever adds another has read it. A special one comes first.
var sentences = []struct{ name, sentence string }{
	{"Apache-2.0", "apache license version 2.0"},
	{"MPL-2.0", "mozilla public license version 2.0"},
	{"BSD-3-Clause", "neither the name of"},
	{"BSD-3-Clause", "names of its contributors may be used to endorse"},
	{"BSD-2-Clause", "redistributions in binary form must reproduce the above copyright notice"},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee"},
	{"ISC", "permission to use, copy, modify, and distribute this software for any purpose with or without fee"},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"},
}

// unstated are modules that come without any licence, with who brings them in, so
// that nobody takes them for free: to be asked about before a release.
var unstated = map[string]string{
	"github.com/nexus-rpc/nexus-proto-annotations": "none stated; a requirement of go.temporal.io/api (MIT), by the same authors",
}

var (
	spaces       = regexp.MustCompile(`[\s,]+`)
	licenseFiles = regexp.MustCompile(`(?i)^(licen[sc]e|copying|copyright|notice|patents)([-_.].*)?$`)
	noticeFiles  = regexp.MustCompile(`(?i)^(notice|patents|copyright)`)
)

// identify is the licence of a text, by SPDX. Of several in one file, as in
// yaml's, all.
func identify(text string) (string, error) {
	plain := plain(text)
	var names []string
	for _, s := range sentences {
		if strings.Contains(plain, spaces.ReplaceAllString(s.sentence, " ")) && !slices.Contains(names, s.name) {
			// A licence of three clauses has the words of that of two.
			if s.name != "BSD-2-Clause" || !slices.Contains(names, "BSD-3-Clause") {
				names = append(names, s.name)
			}
		}
	}
	if len(names) == 0 {
		return "", errors.New("no licence that is known here")
	}
	slices.Sort(names)
	return strings.Join(names, " AND "), nil
}

func plain(text string) string {
	return strings.ToLower(spaces.ReplaceAllString(text, " "))
}

// read are the files of a module with licences and notices, at its root and above
// the packages that are in a program.
func (m module) read() ([]license, error) {
	var found []license
	for _, directory := range m.directories() {
		there, err := readDirectory(directory)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		found = append(found, there...)
	}
	if !slices.ContainsFunc(found, func(l license) bool { return l.Name != "" }) && unstated[m.Path] == "" {
		return nil, fmt.Errorf("%s has no licence", m.Path)
	}
	return found, nil
}

// directories are those where a file may speak for a package, the root first.
func (m module) directories() []string {
	all := []string{m.Dir}
	for _, directory := range m.Packages {
		for ; len(directory) > len(m.Dir); directory = filepath.Dir(directory) {
			all = append(all, directory)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func readDirectory(directory string) ([]license, error) {
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
		l := license{Text: strings.TrimSpace(strings.ReplaceAll(string(content), "\r\n", "\n"))}
		if !noticeFiles.MatchString(entry.Name()) {
			if l.Name, err = identify(l.Text); err != nil {
				return nil, fmt.Errorf("%s: %w", entry.Name(), err)
			}
		}
		found = append(found, l)
	}
	return found, nil
}
