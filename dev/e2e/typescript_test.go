package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

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

	// The command in its README, which builds it.
	done := runProgram(t, s.env, tool(t, "npm"), "--prefix", dir, "start", "--silent", "--", newOrg())
	require.Zero(t, done.code, "%s%s", done.stdout, done.stderr)
	t.Logf("npm start: %s", done.took)
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
	for org, says := range map[string][]string{
		refused:  {"failed, " + migrationlink.ErrRoleMissing},
		"nobody": {"failed, " + migrationlink.ErrInvalidRequest, "\n  orgId: "},
	} {
		done := runProgram(t, s.env, node, program, org)
		require.Equal(t, 1, done.code)
		require.True(t, containsAll(done.stdout, says...), done.stdout)
		require.Contains(t, done.stderr, "not moved: ")
		require.NotContains(t, done.stdout, "its migration starts")
	}

	cancelled := newOrg()
	s.shape(cancelled, map[string]any{"sync": "never"})
	p := start(t, s.env, node, program, cancelled)
	s.eventually(func() bool { return s.evidence(cancelled).EffectivePosts == 1 })
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt)) // Ctrl-C
	p.waitFor("called off: organization " + cancelled + ": cancelled, the link was removed again")
	require.Equal(t, opsmanagertest.StatusNone, s.evidence(cancelled).LinkStatus)
	p.waitFor("not moved: Workflow canceled")
	<-p.ended
	require.Equal(t, 1, p.cmd.ProcessState.ExitCode())
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
