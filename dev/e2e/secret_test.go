package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// The canary is searched for in every form in which a program may write it.
func TestTokenIsFoundNowhere(t *testing.T) {
	t.Parallel()
	const key = "canary-private-key-of-nobody"
	token := "canary-Token+with/odd=characters&more" + strings.Repeat("0123456789abcdef", 10) // about as long as a real one
	s := newSystem(t, "--sync-delay", "3s", "--log-level", "debug")
	worker := s.worker(keyless, "LINK_TOKEN_DEMO="+token, "WRONG_PRIVATE_KEY="+key)
	var shown bytes.Buffer
	show := func(done finished) { fmt.Fprintln(&shown, done.stdout, done.stderr) }
	link := func(org string, more ...string) finished {
		return s.starter(append([]string{"link", "--manager", "demo", "--org", org, "--token-ref", "env:LINK_TOKEN_DEMO", "--verbose"}, more...)...)
	}

	synced, rejected, echoed, lost := newOrg(), newOrg(), newOrg(), newOrg()
	s.shape(synced, map[string]any{"echoToken": true})
	s.shape(rejected, map[string]any{"tokenRefusal": "INVALID_ATTRIBUTE", "echoToken": true})
	s.shape(echoed, map[string]any{"echoToken": true, "sync": "never"})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.OtherError, Operation: "GET", OrgID: echoed, Status: 500, Detail: "token " + token + " is odd"})
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.OtherError, Operation: "POST", OrgID: lost, Status: 400, ErrorCode: "INVALID_JSON", Detail: "cannot read " + token, Parameters: []any{token}})
	run := s.begin(synced, nil)
	args := commandLines(t)
	require.NoError(t, run.Get(t.Context(), nil))
	show(link(synced, "-o", "json"))
	show(link(rejected))
	show(link(echoed, "--create-timeout", "5s"))
	show(link(lost, "-o", "json"))
	show(link(newOrg(), "--manager", "wrong-key"))
	show(link(newOrg(), "--token-ref", token)) // pasted in place of the reference

	var histories bytes.Buffer
	for _, org := range []string{synced, rejected, echoed, lost} {
		for _, event := range s.history("link.demo."+org, "") {
			content, err := protojson.Marshal(event)
			require.NoError(t, err)
			histories.Write(content)
		}
	}
	worker.stop()
	s.dev.stop() // so that SQLite has written everything

	places := map[string]string{
		"logs of the worker": worker.output.String(),
		"output of dev up":   s.dev.output.String(),
		"starter":            shown.String(),
		"command lines":      args,
		"histories":          histories.String(),
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*"))
	require.NoError(t, err)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		places[filepath.Base(file)] = string(content)
	}
	require.Contains(t, places["temporal.db"], synced, "the search finds what is there")
	require.Contains(t, places["logs of the worker"], synced)
	require.Contains(t, places["logs of the worker"], "DEBUG", "the search is worth it")
	for place, content := range places {
		for _, secret := range []string{token, key} {
			for _, form := range forms(secret) {
				require.NotContains(t, content, form, "in %s", place)
			}
		}
	}
}

func forms(secret string) []string {
	encoded := base64.StdEncoding.EncodeToString([]byte(secret))
	return []string{
		secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret)),
		strings.TrimRight(encoded, "="), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		strings.ReplaceAll(secret, "&", "\\u0026"), secret[:16], secret[len(secret)-16:],
	}
}

// commandLines are those of every process, as ps shows them.
func commandLines(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	var lines strings.Builder
	for _, file := range files {
		content, _ := os.ReadFile(file) // of a process that has ended: nothing
		lines.Write(content)
	}
	return lines.String()
}
