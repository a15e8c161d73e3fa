package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const typeScriptPage = "examples/typescript/README.md"

// typeScript installs the example as in a new clone, checks its types, and returns its
// directory.
func typeScript(t *testing.T) string {
	t.Helper()
	npm := tool(t, "npm")
	const example = "../../examples/typescript"
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "src"), os.DirFS(filepath.Join(example, "src"))))
	for _, name := range []string{".npmrc", "package.json", "package-lock.json", "tsconfig.json"} {
		content, err := os.ReadFile(filepath.Join(example, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	for _, args := range [][]string{{"ci"}, {"run", "check"}} {
		done := runProgram(t, nil, npm, append([]string{"--prefix", dir}, args...)...)
		require.Zero(t, done.code, "npm %v: %s\n%s", args, done.stdout, done.stderr)
		t.Logf("npm %v: %s", args, done.took)
	}
	return dir
}

func TestATypeScriptWorkflowLinksLikeAGoWorkflow(t *testing.T) {
	t.Parallel()
	dir := typeScript(t)
	s := newSystem(t, "--sync-delay", "0s")
	s.worker("")

	shown := shownTo(t, "typescript_test.go", typeScriptPage)
	require.Equal(t, []string{". .dev/env", "cd examples/typescript", "npm ci"}, shown["install"])

	// The command of its page, which builds it.
	done := runProgram(t, s.env, tool(t, "npm"), "--prefix", dir, "start", "--silent")
	require.Zero(t, done.code, "%s%s", done.stdout, done.stderr)
	t.Logf("npm start: %s", done.took)
	requireAlike(t, shown["linked"], done.stdout)
	_, printed, _ := strings.Cut(done.stdout, "\n{")
	var told, toldInGo map[string]any
	require.NoError(t, json.Unmarshal([]byte("{"+printed), &told), done.stdout)
	require.NoError(t, s.platform()(linkRequest(newOrg())).Get(t.Context(), &toldInGo))
	require.Equal(t, withoutIDsAndTimes(t, toldInGo), withoutIDsAndTimes(t, told))

	// Sequential: they share a task queue, so the worker of one would print the output of
	// another.
	node, program := tool(t, "node"), filepath.Join(dir, "lib", "main.js")
	refused := newOrg()
	s.shape(refused, map[string]any{"refusal": opsmanagertest.RefusedRole})
	done = runProgram(t, s.env, node, program, refused)
	require.Equal(t, 1, done.code)
	require.Contains(t, done.stdout, "failed, "+migrationlink.ErrRoleMissing)
	require.NotContains(t, done.stdout, "its migration starts")
	done = runProgram(t, s.env, node, program, "nobody")
	require.Equal(t, 1, done.code)
	requireAlike(t, shown["refused"], done.stdout+done.stderr)

	const cancelled = "5f1b2c3d4e5f6a7b8c9d0e34" // of the page
	s.shape(cancelled, map[string]any{"sync": "never"})
	p := start(t, s.env, node, program, cancelled)
	s.eventually(func() bool { return s.evidence(cancelled).EffectivePosts == 1 })
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt)) // Ctrl-C
	p.waitFor("not moved: ")
	<-p.ended
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(cancelled).LinkStatus)
	requireAlike(t, shown["cancelled"], p.output.String())
	require.Equal(t, 1, p.cmd.ProcessState.ExitCode())
}

// requireAlike compares an example, which begins with its command, with an output.
func requireAlike(t *testing.T, shown []string, output string) {
	t.Helper()
	alike := func(text string) string {
		text = regexp.MustCompile(`"polls": \d+`).ReplaceAllString(text, `"polls": N`)
		return alikeShown([]string{strings.ReplaceAll(text, "^C", "")})
	}
	require.Equal(t, alike(strings.Join(shown[1:], "\n")), alike(strings.TrimRight(output, "\n")))
}

// withoutIDsAndTimes returns a result without what differs between two organizations.
func withoutIDsAndTimes(t *testing.T, result map[string]any) map[string]any {
	t.Helper()
	for _, name := range []string{"orgId", "startedAt", "createdAt", "syncedAt", "endedAt", "startedBy"} {
		require.NotEmpty(t, result[name], name)
		delete(result, name)
	}
	return result
}
