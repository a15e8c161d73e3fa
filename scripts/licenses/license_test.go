package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALicenceIsKnownByWhatItSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"broken lines":    {"Permission is hereby granted, free of\n  charge, to any person obtaining a copy", "MIT"},
		"two clauses":     {"Redistributions in binary form must reproduce the above copyright notice, this", "BSD-2-Clause"},
		"three clauses":   {"Redistributions in binary form must reproduce the above copyright notice\nNeither the name of Google Inc.", "BSD-3-Clause"},
		"two in one file": {"Apache License, Version 2.0\nPermission is hereby granted, free of charge, to any person obtaining a copy", "Apache-2.0 AND MIT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := identify(c.text)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestWhatNobodyHasReadIsRefused(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]struct{ name, content, want string }{
		"unknown licence": {"LICENSE", "All rights reserved.", "no licence that is known"},
		"only a notice":   {"NOTICE", "Copyright somebody", "has no licence"},
		"no licence":      {"README", "MIT", "has no licence"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(directory, file.name), []byte(file.content), 0o600))
			err := write(&strings.Builder{}, []module{{Path: "example.com/m", Dir: directory}})
			require.ErrorContains(t, err, file.want)
			require.ErrorContains(t, err, "example.com/m")
		})
	}
}
