// Package clients_test runs third-party clients against the simulated manager, to check
// that it answers as a real one.
package clients_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/mongodb-forks/digest"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/ops-manager/opsmngr"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const (
	orgID = "5f1b2c3d4e5f6a7b8c9d0e1f"
	token = "canary-link-token"
)

// client returns MongoDB's own client for a simulated manager.
func client(t *testing.T, manager *opsmanagertest.Server, privateKey string) *opsmngr.Client {
	t.Helper()
	transport := digest.NewTransport(opsmanagertest.DefaultPublicKey, privateKey)
	httpClient, err := transport.Client()
	require.NoError(t, err)
	httpClient.Timeout = time.Minute
	c, err := opsmngr.New(httpClient, opsmngr.SetBaseURL(manager.URL+"/"))
	require.NoError(t, err)
	return c
}

func start(t *testing.T, options opsmanagertest.Options) *opsmanagertest.Server {
	t.Helper()
	manager := opsmanagertest.NewServer(options)
	t.Cleanup(manager.Close)
	return manager
}

func TestMongoDBsOwnClientConnectsReadsAndDeletes(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{opsmanagertest.MD5, opsmanagertest.SHA256} {
		for _, postReply := range []string{opsmanagertest.PostCreated, opsmanagertest.PostOK} {
			t.Run(algorithm+" "+postReply, func(t *testing.T) {
				t.Parallel()
				manager := start(t, opsmanagertest.Options{
					Algorithms: []string{algorithm},
					Defaults:   opsmanagertest.OrgSettings{PostReply: postReply},
				})
				links := client(t, manager, opsmanagertest.DefaultPrivateKey).LiveMigration

				connected, _, err := links.ConnectOrganizations(t.Context(), orgID, &opsmngr.LinkToken{LinkToken: token})
				require.NoError(t, err)
				if postReply == opsmanagertest.PostCreated {
					require.Equal(t, opsmanagertest.StatusSynced, connected.Status)
				}

				read, _, err := links.ConnectionStatus(t.Context(), orgID)
				require.NoError(t, err)
				require.Equal(t, opsmanagertest.StatusSynced, read.Status)

				response, err := links.DeleteConnection(t.Context(), orgID)
				require.NoError(t, err)
				require.Equal(t, http.StatusNoContent, response.StatusCode)

				org := manager.State().Orgs[orgID]
				require.Equal(t, opsmanagertest.Counts{Posts: 1, EffectivePosts: 1, Gets: 1, Deletes: 1, EffectiveDeletes: 1, RequestsWithoutCredentials: 3}, org.Counts)
				require.Equal(t, opsmanagertest.StatusNone, org.LinkStatus)
			})
		}
	}
}

func TestMongoDBsOwnClientUnderstandsTheErrors(t *testing.T) {
	t.Parallel()
	manager := start(t, opsmanagertest.Options{})
	require.NoError(t, manager.SetOrg(orgID, opsmanagertest.OrgSettings{Refusal: opsmanagertest.RefusedAddress}))

	_, _, err := client(t, manager, opsmanagertest.DefaultPrivateKey).LiveMigration.ConnectionStatus(t.Context(), orgID)
	var refused *opsmngr.ErrorResponse // it drops the parameters
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusForbidden, refused.Response.StatusCode)
	require.Equal(t, opsmanagertest.RefusedAddress, refused.ErrorCode)

	_, _, err = client(t, manager, "another-key").LiveMigration.ConnectionStatus(t.Context(), orgID)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusUnauthorized, refused.Response.StatusCode)
	require.Equal(t, "Unauthorized", refused.Reason)
}
