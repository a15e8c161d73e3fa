package activities

import (
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/guide"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	exampleOrg   = "5f1b2c3d4e5f6a7b8c9d0e1f"
	exampleAtlas = "6a1b2c3d4e5f6a7b8c9d0e1f"
)

// upstream is what a worker meets in an example of internal/guide.
type upstream struct {
	settings opsmanagertest.OrgSettings
	fault    opsmanagertest.Fault
	key      string // instead of the right one
	without  bool   // there is no manager
	tls      bool   // its certificate is of an unknown authority
	call     func(*testing.T, *opsmanagertest.Server, *opsmanager.Client) finding
}

// The examples of docs/reference/errors.md and `starter explain` are the messages of
// workers: a manager, or Atlas, fails in each of these ways.
func TestTheExamplesOfErrorsAreWhatAWorkerReports(t *testing.T) {
	t.Parallel()
	linked := opsmanagertest.OrgSettings{Linked: new(true), RunningMigrations: []string{"564cc2ee1f564dfae25b8342"}}
	for errorType, met := range map[string]upstream{
		migrationlink.ErrKeyRejected:       {key: "another key", call: readStatus},
		migrationlink.ErrRoleMissing:       {settings: refusedWith(opsmanagertest.RefusedRole), call: readStatus},
		migrationlink.ErrAccessListRefused: {settings: refusedWith(opsmanagertest.RefusedAddress), call: readStatus},
		migrationlink.ErrAccountSuspended:  {settings: refusedWith(opsmanagertest.RefusedSuspended), call: readStatus},
		migrationlink.ErrForbidden:         {settings: refusedWith("FEATURE_UNSUPPORTED"), call: readStatus},
		migrationlink.ErrOrgNotFound:       {settings: refusedWith(opsmanagertest.RefusedOrg), call: readStatus},
		migrationlink.ErrWrongAPI:          {settings: refusedWith("RESOURCE_NOT_FOUND"), call: readStatus},
		migrationlink.ErrTokenRejected:     {settings: opsmanagertest.OrgSettings{TokenRefusal: opsmanagertest.RefusedToken}, call: createLink},
		migrationlink.ErrMigrationRunning:  {settings: linked, call: deleteLink},

		migrationlink.ErrCertificateInvalid: {tls: true, call: readStatus},
		migrationlink.ErrRequestRefused: {fault: opsmanagertest.Fault{
			Kind: opsmanagertest.OtherError, Status: 400, ErrorCode: "INVALID_QUERY_PARAMETER", Detail: "Invalid query parameter pageNum specified.",
		}, call: readProjects},
		migrationlink.ErrManagerUnavailable: {without: true, call: readStatus},
		migrationlink.ErrAtlasUnavailable:   {fault: opsmanagertest.Fault{Kind: opsmanagertest.Unavailable}, call: readAtlas},
		migrationlink.ErrReplyLost:          {fault: opsmanagertest.Fault{Kind: opsmanagertest.LostReply, Operation: "POST"}, call: createLink},
	} {
		t.Run(errorType, func(t *testing.T) {
			t.Parallel()
			server, client := met.start(t)
			found := met.call(t, server, client)
			require.Equal(t, errorType, found.Type)
			explained, ok := guide.Lookup(errorType)
			require.True(t, ok)
			require.Equal(t, withoutAddresses(explained.Example), withoutAddresses(found.Message))
		})
	}
}

// withoutAddresses leaves out what differs between two machines.
func withoutAddresses(message string) string {
	return regexp.MustCompile(`\d+\.\d+\.\d+\.\d+:\d+`).ReplaceAllString(message, "ADDRESS")
}

// start returns the manager and a client of it.
func (u upstream) start(t *testing.T) (*opsmanagertest.Server, *opsmanager.Client) {
	t.Helper()
	server := opsmanagertest.NewServer(opsmanagertest.Options{})
	t.Cleanup(server.Close)
	require.NoError(t, server.SetOrg(exampleOrg, u.settings))
	if u.fault.Kind != "" {
		require.NoError(t, server.SetFaults(opsmanagertest.Faults{u.fault}))
	}
	key, address := opsmanagertest.DefaultPrivateKey, server.URL
	if u.key != "" {
		key = u.key
	}
	if u.tls {
		secure := httptest.NewTLSServer(nil)
		t.Cleanup(secure.Close)
		address = secure.URL
	}
	if u.without {
		server.Close()
	}
	client, err := opsmanager.New(opsmanager.Config{
		Name: "demo", BaseURL: address, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(key),
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return server, client
}

func refusedWith(code string) opsmanagertest.OrgSettings {
	return opsmanagertest.OrgSettings{Refusal: code}
}

// demo says what an error of the manager means.
func demo(err error) finding {
	return managerParty(Target{Manager: "demo", OrgID: exampleOrg}).meaning(err)
}

func readStatus(t *testing.T, _ *opsmanagertest.Server, client *opsmanager.Client) finding {
	t.Helper()
	_, err := client.LinkStatus(t.Context(), exampleOrg)
	return demo(err)
}

func readProjects(t *testing.T, _ *opsmanagertest.Server, client *opsmanager.Client) finding {
	t.Helper()
	_, err := client.Projects(t.Context(), exampleOrg)
	return demo(err)
}

func createLink(t *testing.T, _ *opsmanagertest.Server, client *opsmanager.Client) finding {
	t.Helper()
	_, err := client.CreateLink(t.Context(), exampleOrg, redact.NewSecret("a link-token"), func() error { return nil })
	if opsmanager.MayHaveTakenEffect(err) {
		return replyLost(demo(err))
	}
	return demo(err)
}

func deleteLink(t *testing.T, _ *opsmanagertest.Server, client *opsmanager.Client) finding {
	t.Helper()
	return demo(client.DeleteLink(t.Context(), exampleOrg))
}

func readAtlas(t *testing.T, server *opsmanagertest.Server, _ *opsmanager.Client) finding {
	t.Helper()
	client, err := atlas.New(atlas.Config{
		Name: "demo", BaseURL: server.URL, PublicKey: opsmanagertest.DefaultAtlasPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultAtlasPrivateKey),
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	_, err = client.AvailableProjects(t.Context(), exampleAtlas)
	return atlasParty(migrationlink.AtlasToken{Name: "demo", OrgID: exampleAtlas}, atlasOrgField).meaning(err)
}
