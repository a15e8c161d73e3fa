package opsmanagertest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func TestEventsRecordEachCreationAndRemoval(t *testing.T) {
	t.Parallel()
	now := newClock()
	server, c := start(t, opsmanagertest.Options{Now: now.Now, Defaults: opsmanagertest.OrgSettings{SecondPost: opsmanagertest.SecondPostOverwrite}})
	began := now.Now()
	c.delete() // nothing to remove: no event
	c.post()
	now.Advance(time.Second)
	c.post()
	c.delete()
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: new(true)}))
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: new(true)})) // stands already
	c.delete()
	later, ours := began.Add(time.Second), tokenSum()
	require.Equal(t, []opsmanagertest.Event{
		{At: began, Kind: opsmanagertest.LinkMade, TokenSHA256: ours},
		{At: later, Kind: opsmanagertest.LinkMade, TokenSHA256: ours, Replaced: true},
		{At: later, Kind: opsmanagertest.LinkRemoved, TokenSHA256: ours},
		{At: later, Kind: opsmanagertest.LinkMade, ByOthers: true},
		{At: later, Kind: opsmanagertest.LinkRemoved},
	}, server.State().Orgs[orgID].Events)
}

func TestTheEvidenceOfEventsIsBounded(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	for i := range 151 {
		require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: new(i%2 == 0)}))
	}
	events := server.State().Orgs[orgID].Events
	require.Len(t, events, 100)
	require.Equal(t, opsmanagertest.LinkMade, events[99].Kind, "the last ones are kept")
}

func TestStaleReadsAnswerTheStateBeforeAnEffect(t *testing.T) {
	t.Parallel()
	now := newClock()
	server, c := start(t, opsmanagertest.Options{Now: now.Now, Defaults: opsmanagertest.OrgSettings{StaleReads: opsmanagertest.Duration(5 * time.Second)}})
	require.Equal(t, http.StatusCreated, c.post().StatusCode)
	require.Equal(t, http.StatusNotFound, c.get().StatusCode)
	require.Equal(t, http.StatusConflict, c.post().StatusCode, "writes are not stale")
	require.Equal(t, opsmanagertest.StatusSynced, server.State().Orgs[orgID].LinkStatus, "nor is the evidence")
	now.Advance(5*time.Second - 1)
	require.Equal(t, http.StatusNotFound, c.get().StatusCode)
	now.Advance(1)
	require.Contains(t, c.get().body, `"SYNCED"`)

	require.Equal(t, http.StatusNoContent, c.delete().StatusCode)
	require.Contains(t, c.get().body, `"SYNCED"`)
	require.Equal(t, http.StatusNotFound, c.delete().StatusCode)
	now.Advance(5 * time.Second)
	require.Equal(t, http.StatusNotFound, c.get().StatusCode)

	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: new(true)}))
	require.Contains(t, c.get().body, `"SYNCED"`, "what others did is visible at once")
}
