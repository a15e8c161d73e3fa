package opsmanagertest_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return content
}

func TestARestartKeepsLinksAndTheirTimes(t *testing.T) {
	t.Parallel()
	now := newClock()
	options := opsmanagertest.Options{StateFile: filepath.Join(t.TempDir(), "state.json"), SyncDelay: time.Minute, Now: now.Now}
	before, c := start(t, options)
	require.NoError(t, before.SetOrg(otherOrg, opsmanagertest.OrgSettings{Linked: new(true), RunningMigrations: []string{"p1"}}))
	c.post()
	before.Close()

	now.Advance(40 * time.Second)
	options.SyncDelay = time.Hour // of new links only
	after, c := start(t, options)
	require.Equal(t, opsmanagertest.OrgState{
		LinkStatus:  opsmanagertest.StatusNotSynced,
		Counts:      opsmanagertest.Counts{Posts: 1, EffectivePosts: 1, RequestsWithoutCredentials: 1},
		TokenSHA256: tokenSum(),
		Events:      []opsmanagertest.Event{{At: newClock().Now(), Kind: opsmanagertest.LinkMade, TokenSHA256: tokenSum()}},
	}, after.State().Orgs[orgID])
	require.Equal(t, opsmanagertest.StatusSynced, after.State().Orgs[otherOrg].LinkStatus)
	now.Advance(20 * time.Second)
	require.Contains(t, c.get().body, `"SYNCED"`)

	require.NoError(t, after.Reset())
	again, err := opsmanagertest.New(options)
	require.NoError(t, err)
	require.Empty(t, again.State().Orgs)
}

func TestAnInvalidStateFileIsLeftUnchanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "state.json")
	require.NoError(t, os.WriteFile(file, []byte("notes"), 0o600))
	_, err := opsmanagertest.New(opsmanagertest.Options{StateFile: file})
	require.ErrorContains(t, err, file)
	require.Equal(t, "notes", string(readFile(t, file)))

	_, err = opsmanagertest.New(opsmanagertest.Options{StateFile: filepath.Join(dir, "missing", "state.json")})
	require.Error(t, err, "said at the start, not at the first link")
}
