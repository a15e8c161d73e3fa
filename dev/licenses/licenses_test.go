package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files
(the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the
following conditions: The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.
THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY
CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE
OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`

const isc = `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that
the above copyright notice and this permission notice appear in all copies. THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL
WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE
FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.`

const gpl = `This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License as published by
the Free Software Foundation, either version 3 of the License, or (at your option) any later version.`

func TestTheListNamesEveryLicenceAndEachTextOnce(t *testing.T) {
	t.Parallel()
	var document strings.Builder
	require.NoError(t, write(&document, []module{
		{path: "example.com/a", version: "v1.0.0", dir: withFile(t, "LICENSE", mit)},
		{path: "example.com/b", version: "v2.0.0", dir: withFile(t, "COPYING", strings.ToUpper(mit)+"\n\n")},
		{path: "example.com/c", version: "v3.0.0", dir: withFile(t, "LICENSE.md", mit+"\n\n"+isc)},
	}))
	require.Contains(t, document.String(), "| example.com/a | v1.0.0 | MIT |\n| example.com/b | v2.0.0 | MIT |\n| example.com/c | v3.0.0 | ISC AND MIT |\n")
	require.Contains(t, document.String(), "### MIT\n\nexample.com/a, example.com/b\n")
	require.Contains(t, document.String(), "### ISC AND MIT\n\nexample.com/c\n")
}

func TestAModuleWithoutAnAcceptedLicenceIsRefused(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]struct{ name, content, want string }{
		"unknown licence":      {"LICENSE", "All rights reserved.", "no known licence"},
		"licence not accepted": {"LICENSE", gpl, "GPL-3.0-or-later is not accepted"},
		"only a notice":        {"NOTICE", "Copyright somebody", "has no licence"},
		"no licence":           {"README", "MIT", "has no licence"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := write(&strings.Builder{}, []module{{path: "example.com/m", dir: withFile(t, file.name, file.content)}})
			require.ErrorContains(t, err, file.want)
			require.ErrorContains(t, err, "example.com/m")
		})
	}
}

func withFile(t *testing.T, name, content string) string {
	t.Helper()
	directory := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600))
	return directory
}
