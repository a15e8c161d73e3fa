package buildinfo

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheVersionIsTheTagOrElseTheCommit(t *testing.T) {
	t.Parallel()
	const revision = "a3b9ea6f1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f"
	for name, test := range map[string]struct {
		tag, revision, modified, want string
	}{
		"released":            {"v1.4.0", revision, "false", "v1.4.0"},
		"released, changed":   {"v1.4.0+dirty", revision, "true", "v1.4.0+dirty"},
		"go install of a tag": {"v1.4.0", "", "", "v1.4.0"},
		"commit":              {"v0.0.0-20261123164917-a3b9ea6f1c2d", revision, "false", "a3b9ea6f1c2d"},
		"commit, changed":     {"v1.4.1-0.20261123164917-a3b9ea6f1c2d+dirty", revision, "true", "a3b9ea6f1c2d-dirty"},
		"older Go":            {"(devel)", revision, "true", "a3b9ea6f1c2d-dirty"},
		"go install commit":   {"v0.0.0-20261123164917-a3b9ea6f1c2d", "", "", "v0.0.0-20261123164917-a3b9ea6f1c2d"},
		"go run":              {"(devel)", "", "", "devel"},
		"nothing":             {"", "", "", "devel"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			info := &debug.BuildInfo{Main: debug.Module{Version: test.tag}}
			if test.revision != "" {
				info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: test.revision}, {Key: "vcs.modified", Value: test.modified}}
			}
			require.Equal(t, test.want, version(info))
		})
	}
}

func TestTheTextTellsCommitAndDateToo(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.4.0"}}
	require.Equal(t, "v1.4.0, go1.26.8", text(info))
	info.Settings = []debug.BuildSetting{{Key: "vcs.revision", Value: "a3b9ea6f1c2d3e4f"}, {Key: "vcs.time", Value: "2026-11-24T02:08:00Z"}}
	require.Equal(t, "v1.4.0, commit a3b9ea6f1c2d, of 2026-11-24T02:08:00Z, go1.26.8", text(info))
	info.Main.Version = ""
	require.Equal(t, "a3b9ea6f1c2d, of 2026-11-24T02:08:00Z, go1.26.8", text(info))
}

func TestAnIdentityTellsVersionsAndConfigurationsApart(t *testing.T) {
	t.Parallel()
	worker, ok := ParseIdentity(Identity([]string{"demo", "prod"}))
	require.True(t, ok)
	require.Equal(t, Version(), worker.Version)
	require.Regexp(t, `^\d+@.+`, worker.Process)
	same, _ := ParseIdentity(Identity([]string{"prod", "demo"}))
	require.Equal(t, worker, same)
	less, _ := ParseIdentity(Identity([]string{"demo"}))
	require.NotEqual(t, worker.Managers, less.Managers)
	_, ok = ParseIdentity("4711@host@")
	require.False(t, ok, "the SDK's own")
}
