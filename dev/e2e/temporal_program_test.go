package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The command line of Temporal, of a version whose module is whole: v1.9.1 needs the
// module cliext beside it, which is not published.
const (
	temporalVersion = "v1.5.1"
	temporalSum     = "h1:0RZMk14BWxz44Xg6ciDQvpfAMffoG3J7/K03ql80teY="
)

var buildsTemporal sync.Mutex

// temporalProgram builds the command `temporal` into bin/, once. Its development
// server is left out: it would be a second Temporal server, of another version, and
// four minutes to build.
func temporalProgram(t *testing.T) string {
	t.Helper()
	buildsTemporal.Lock()
	defer buildsTemporal.Unlock()
	program, err := filepath.Abs("../../bin/temporal-" + temporalVersion + "/temporal")
	require.NoError(t, err)
	if _, err := os.Stat(program); err == nil {
		return program
	}
	module := struct{ Dir, Sum string }{}
	download := exec.Command("go", "mod", "download", "-json", "github.com/temporalio/cli@"+temporalVersion)
	download.Dir = t.TempDir() // in no module
	printed, err := download.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(printed, &module))
	require.Equal(t, temporalSum, module.Sum)

	sources := filepath.Join(t.TempDir(), "cli")
	require.NoError(t, os.CopyFS(sources, os.DirFS(module.Dir))) // what is in the cache cannot be changed
	require.NoError(t, os.RemoveAll(filepath.Join(sources, "temporalcli", "devserver")))
	require.NoError(t, os.WriteFile(filepath.Join(sources, "temporalcli", "commands.server.go"), []byte(`package temporalcli

import "errors"

func (*TemporalServerStartDevCommand) run(*CommandContext, []string) error {
	return errors.New("this build has no development server")
}
`), 0o600))
	built := filepath.Join(t.TempDir(), "temporal")
	output, err := exec.Command("go", "build", "-C", sources, "-o", built, "./cmd/temporal").CombinedOutput()
	require.NoError(t, err, "%s", output)
	content, err := os.ReadFile(built)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(program), 0o750))
	unfinished := fmt.Sprintf("%s.%d", program, os.Getpid())
	require.NoError(t, os.WriteFile(unfinished, content, 0o755))
	require.NoError(t, os.Rename(unfinished, program))
	return program
}
