package activities_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

// atlasKey and atlasAccount are credentials of Atlas, with a good secret or not.
func atlasKey(secret string) atlas.Config {
	return atlas.Config{PublicKey: opsmanagertest.DefaultAtlasPublicKey, PrivateKey: redact.NewSecret(secret)}
}

func atlasAccount(secret string) atlas.Config {
	return atlas.Config{ClientID: opsmanagertest.DefaultAtlasClientID, ClientSecret: redact.NewSecret(secret)}
}

var goodAtlas = map[string]atlas.Config{
	"API key":         atlasKey(opsmanagertest.DefaultAtlasPrivateKey),
	"service account": atlasAccount(opsmanagertest.DefaultAtlasClientSecret),
}

// inspectAtlas has a worker with these credentials call Atlas.
func inspectAtlas(t *testing.T, config atlas.Config, orgID string) migrationlink.AtlasInspection {
	t.Helper()
	config.Timeout = 2 * time.Second
	client, err := atlas.New(config)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	var found migrationlink.AtlasInspection
	inspected(t, activities.Clients{Atlas: map[string]*atlas.Client{"prod": client}},
		migrationlink.InspectAtlasActivity, migrationlink.AtlasToken{Name: "prod", OrgID: orgID}, &found)
	require.Equal(t, "prod", found.Name)
	requireInspection(t, found.WorkerVersion, found.Problem)
	if found.Problem != nil {
		require.NotContains(t, found.Problem.Remedy, "token.atlas", "there is no request")
	}
	return found
}

func TestAnInspectionOfAtlasTriesTheKeyAndWithAnOrganizationItsRole(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refusal string
		orgID   string
		key     bool
		role    bool
		problem string
	}{
		"no organization":                     {key: true},
		"no organization, as it is not known": {refusal: opsmanagertest.RefusedOrg, key: true},
		"no organization, none of Atlas":      {refusal: "NOT_ATLAS_ORG", key: true},
		"no organization, no role there":      {refusal: opsmanagertest.RefusedRole, key: true},
		"no organization, not allowed there":  {refusal: "FEATURE_UNSUPPORTED", key: true},
		"no organization, no such resource":   {refusal: "RESOURCE_NOT_FOUND", problem: migrationlink.ErrWrongAPI},
		"no organization, access list":        {refusal: opsmanagertest.RefusedAddress, problem: migrationlink.ErrAccessListRefused},
		"no organization, suspended":          {refusal: opsmanagertest.RefusedSuspended, key: true, problem: migrationlink.ErrAccountSuspended},
		"organization":                        {orgID: targetOrgID, key: true, role: true},
		"organization, no role":               {refusal: opsmanagertest.RefusedRole, orgID: targetOrgID, key: true, problem: migrationlink.ErrRoleMissing},
		"organization, not allowed":           {refusal: "FEATURE_UNSUPPORTED", orgID: targetOrgID, key: true, problem: migrationlink.ErrForbidden},
		"organization, not known":             {refusal: opsmanagertest.RefusedOrg, orgID: targetOrgID, key: true, problem: migrationlink.ErrOrgNotFound},
		"organization, none of Atlas":         {refusal: "NOT_ATLAS_ORG", orgID: targetOrgID, key: true, problem: migrationlink.ErrWrongAPI},
		"organization, access list":           {refusal: opsmanagertest.RefusedAddress, orgID: targetOrgID, problem: migrationlink.ErrAccessListRefused},
	} {
		for with, config := range goodAtlas {
			t.Run(name+", "+with, func(t *testing.T) {
				t.Parallel()
				server := opsmanagertest.NewServer(opsmanagertest.Options{Defaults: opsmanagertest.OrgSettings{Refusal: test.refusal}})
				t.Cleanup(server.Close)
				config.BaseURL = server.URL
				found := inspectAtlas(t, config, test.orgID)
				require.Equal(t, test.key, found.KeyAccepted)
				require.Equal(t, test.role, found.RoleChecked)
				require.Equal(t, test.problem != "", found.Problem != nil)
				if found.Problem != nil {
					require.Equal(t, test.problem, found.Problem.Type)
				}
				for _, org := range server.State().Atlas.Orgs {
					require.Zero(t, org.Posts+org.Deletes, "it only reads")
				}
			})
		}
	}
}

func TestAnAtlasThatRefusesTheKeyIsAProblem(t *testing.T) {
	t.Parallel()
	simulator := opsmanagertest.NewServer(opsmanagertest.Options{})
	t.Cleanup(simulator.Close)
	secure := httptest.NewTLSServer(simulator)
	t.Cleanup(secure.Close)
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	// A token endpoint beside an API that is somewhere else.
	half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/oauth/") {
			http.NotFound(w, r)
			return
		}
		simulator.ServeHTTP(w, r)
	}))
	t.Cleanup(half.Close)
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	t.Cleanup(busy.Close)
	key, account := goodAtlas["API key"], goodAtlas["service account"]
	const unreachable = "http://127.0.0.1:1"
	for name, test := range map[string]struct {
		url     string
		config  atlas.Config
		problem string
		remedy  string
	}{
		"wrong key":                   {simulator.URL, atlasKey(inspectKey), migrationlink.ErrKeyRejected, "Check public_key and private_key of [atlas.prod] in"},
		"wrong secret of the account": {simulator.URL, atlasAccount(inspectKey), migrationlink.ErrKeyRejected, "Check client_id and client_secret of [atlas.prod] in"},
		"unknown certificate":         {secure.URL, key, migrationlink.ErrCertificateInvalid, "ca_file of [atlas.prod]"},
		"nobody listens":              {unreachable, key, migrationlink.ErrAtlasUnavailable, "base_url of [atlas.prod]"},
		"nobody listens, account":     {unreachable, account, migrationlink.ErrAtlasUnavailable, "base_url of [atlas.prod]"},
		"a web server":                {web.URL, key, migrationlink.ErrWrongAPI, "base_path of [atlas.prod]"},
		"a web server, account":       {web.URL, account, migrationlink.ErrWrongAPI, "base_url"},
		"no API behind the tokens":    {half.URL, account, migrationlink.ErrWrongAPI, "base_path of [atlas.prod]"},
		"too many calls":              {busy.URL, account, migrationlink.ErrAtlasUnavailable, "Try again in a minute"},
	} {
		for with, org := range map[string]string{"": "", ", with organization": targetOrgID} {
			t.Run(name+with, func(t *testing.T) {
				t.Parallel()
				config := test.config
				config.BaseURL = test.url
				found := inspectAtlas(t, config, org)
				require.False(t, found.KeyAccepted)
				require.False(t, found.RoleChecked)
				require.NotNil(t, found.Problem)
				require.Equal(t, test.problem, found.Problem.Type)
				require.Contains(t, found.Problem.Remedy, test.remedy)
			})
		}
	}
}

// It is not documented what Atlas answers then.
func TestAnOrganizationWithoutAvailableProjectsPassesTheRoleCheck(t *testing.T) {
	t.Parallel()
	simulator := opsmanagertest.NewServer(opsmanagertest.Options{})
	t.Cleanup(simulator.Close)
	for _, status := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusConflict} {
		empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/api/oauth/") {
				simulator.ServeHTTP(w, r)
				return
			}
			w.Header().Set("X-Error-Code", "UNEXPECTED_ERROR")
			w.WriteHeader(status)
		}))
		t.Cleanup(empty.Close)
		config := goodAtlas["service account"]
		config.BaseURL = empty.URL
		found := inspectAtlas(t, config, targetOrgID)
		require.True(t, found.KeyAccepted && found.RoleChecked, status)
		require.Nil(t, found.Problem)
	}
}

func TestAnUnknownAtlasIsAnError(t *testing.T) {
	t.Parallel()
	_, err := activities.New(activities.Clients{}).InspectAtlas(t.Context(), migrationlink.AtlasToken{Name: "prod"})
	_ = requireType(t, err, migrationlink.ErrUnknownAtlas)
}
