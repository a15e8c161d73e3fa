package opsmanagertest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func TestEverySettingIsAnAnswer(t *testing.T) {
	t.Parallel()
	type settings = opsmanagertest.OrgSettings
	get, post, remove := (*caller).get, (*caller).post, (*caller).delete
	tests := map[string]struct {
		settings settings
		before   func(*caller) answered // may be nil
		call     func(*caller) answered
		status   int
		contains string
	}{
		"never synced":               {settings{Sync: opsmanagertest.SyncNever}, post, get, 200, `{"status":"NOT_SYNCED"}`},
		"unknown status":             {settings{Status: "PENDING"}, post, get, 200, `{"status":"PENDING"}`},
		"unknown status, no link":    {settings{Status: "PENDING"}, nil, get, 404, `"UNEXPECTED_ERROR"`},
		"POST of the specification":  {settings{PostReply: opsmanagertest.PostOK}, nil, post, 200, `{"sourceOrgId":"` + orgID + `","createdAt":"20`},
		"POST with a message":        {settings{ErrorMessage: "slow"}, nil, post, 201, `{"status":"SYNCED","errorMessage":"slow"}`},
		"POST with an echo":          {settings{EchoToken: new(true)}, nil, post, 201, `"linkToken":"` + token + `"`},
		"200 with message and echo":  {settings{EchoToken: new(true), ErrorMessage: "slow", PostReply: opsmanagertest.PostOK}, nil, post, 200, `"errorMessage":"slow","targetOrg":{"linkToken":"` + token + `"}}`},
		"200 without":                {settings{PostReply: opsmanagertest.PostOK, Sync: opsmanagertest.SyncNever}, nil, post, 200, `"lastSyncedAt":null,"errorMessage":null}`},
		"status without a link":      {settings{}, nil, get, 404, "Could not find the requested external organization link."},
		"NOT_SYNCED without a link":  {settings{StatusWithoutLink: opsmanagertest.WithoutLinkNotSynced}, nil, get, 200, `{"status":"NOT_SYNCED"}`},
		"DELETE without a link":      {settings{}, nil, remove, 404, `"UNEXPECTED_ERROR"`},
		"204 without a link":         {settings{DeleteWithoutLink: opsmanagertest.WithoutLinkNoContent}, nil, remove, 204, ""},
		"second POST":                {settings{}, post, post, 409, `"ORG_LINK_ALREADY_EXISTS"`},
		"second POST, idempotent":    {settings{SecondPost: opsmanagertest.SecondPostIdempotent}, post, post, 201, `{"status":"SYNCED"}`},
		"second POST, overwrite":     {settings{SecondPost: opsmanagertest.SecondPostOverwrite}, post, post, 201, `{"status":"SYNCED"}`},
		"migration running":          {settings{RunningMigrations: []string{"p1", "p2"}}, post, remove, 409, `"parameters":["p1","p2"]`},
		"rejected token":             {settings{TokenRefusal: opsmanagertest.RefusedToken}, nil, post, 400, `"errorCode":"INVALID_ATTRIBUTE"`},
		"rejected and echoed token":  {settings{TokenRefusal: "LINK_TOKEN_EXPIRED", EchoToken: new(true)}, nil, post, 400, `"parameters":["` + token + `"]`},
		"missing role":               {settings{Refusal: opsmanagertest.RefusedRole}, nil, get, 401, `"errorCode":"NOT_ORG_OWNER"`},
		"unauthorized user":          {settings{Refusal: opsmanagertest.RefusedUser}, nil, post, 401, `"reason":"Unauthorized"}`},
		"not on the access list":     {settings{Refusal: opsmanagertest.RefusedAddress}, nil, remove, 403, `"parameters":["127.0.0.1"]`},
		"suspended":                  {settings{Refusal: opsmanagertest.RefusedSuspended}, nil, post, 402, `"ACCOUNT_SUSPENDED"`},
		"unknown organization":       {settings{Refusal: opsmanagertest.RefusedOrg}, nil, post, 404, `"ORG_NOT_FOUND"`},
		"linked by somebody else":    {settings{Linked: new(true), SyncDelay: opsmanagertest.After(time.Hour)}, nil, get, 200, `{"status":"SYNCED"}`},
		"unlinked by somebody else":  {settings{Linked: new(false)}, nil, get, 404, ""},
		"POST on somebody's link":    {settings{Linked: new(true)}, nil, post, 409, ""},
		"somebody's link, not ready": {settings{Linked: new(true), Sync: opsmanagertest.SyncNever}, nil, get, 200, `{"status":"NOT_SYNCED"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, c := start(t, opsmanagertest.Options{})
			require.NoError(t, server.SetOrg(orgID, test.settings))
			if test.before != nil {
				test.before(c)
			}
			reply := test.call(c)
			require.Equal(t, test.status, reply.StatusCode)
			require.Contains(t, reply.body, test.contains)
		})
	}
}

func TestOnlyAPostThatChangesTheLinkIsEffective(t *testing.T) {
	t.Parallel()
	for secondPost, effective := range map[string]int{
		opsmanagertest.SecondPostConflict: 1, opsmanagertest.SecondPostIdempotent: 1, opsmanagertest.SecondPostOverwrite: 2,
	} {
		t.Run(secondPost, func(t *testing.T) {
			t.Parallel()
			server, c := start(t, opsmanagertest.Options{Defaults: opsmanagertest.OrgSettings{SecondPost: secondPost}})
			c.post()
			c.post()
			org := server.State().Orgs[orgID]
			require.Equal(t, 2, org.Posts)
			require.Equal(t, effective, org.EffectivePosts)
		})
	}
}

func TestAFlappingLinkComesAndGoes(t *testing.T) {
	t.Parallel()
	now := newClock()
	server, c := start(t, opsmanagertest.Options{Now: now.Now, SyncDelay: 5 * time.Second, Defaults: opsmanagertest.OrgSettings{
		Sync: opsmanagertest.SyncFlapping, FlapPeriod: opsmanagertest.Duration(10 * time.Second),
	}})
	c.post()
	for _, want := range []string{"NOT_SYNCED", "SYNCED", "SYNCED", "NOT_SYNCED", "NOT_SYNCED", "SYNCED"} {
		require.Equal(t, want, server.State().Orgs[orgID].LinkStatus)
		now.Advance(5 * time.Second)
	}
}

func TestAnOrganizationsSettingsGoOverThoseOfAll(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{SyncDelay: time.Hour})
	require.NoError(t, server.SetOrg(opsmanagertest.EveryOrg, opsmanagertest.OrgSettings{Refusal: opsmanagertest.RefusedRole}))
	require.Equal(t, http.StatusUnauthorized, c.post().StatusCode)
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Refusal: opsmanagertest.NoRefusal}))
	require.Contains(t, c.post().body, "NOT_SYNCED")

	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Refusal: opsmanagertest.NoRefusal, SyncDelay: opsmanagertest.After(0)}))
	require.Contains(t, c.get().body, `"SYNCED"`, "a new delay moves the time of a link that waits")
}

func TestInvalidSettingsChangeNothing(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	tests := map[string]struct {
		org      string
		settings opsmanagertest.OrgSettings
		says     string
	}{
		"sync":       {orgID, opsmanagertest.OrgSettings{Sync: "soon", Linked: new(true)}, `sync cannot be "soon"; it is one of after-delay, never, flapping`},
		"refusal":    {orgID, opsmanagertest.OrgSettings{Refusal: "NO"}, "ACCOUNT_SUSPENDED"},
		"token":      {orgID, opsmanagertest.OrgSettings{TokenRefusal: "no way"}, "tokenRefusal"},
		"delay":      {orgID, opsmanagertest.OrgSettings{SyncDelay: opsmanagertest.After(-1)}, "negative"},
		"staleness":  {orgID, opsmanagertest.OrgSettings{StaleReads: -1}, "negative"},
		"an id":      {"demo", opsmanagertest.OrgSettings{}, `"demo"`},
		"linkedTo":   {orgID, opsmanagertest.OrgSettings{LinkedTo: atlasOrg}, "set linked to true, too"},
		"no target":  {orgID, opsmanagertest.OrgSettings{Linked: new(true), LinkedTo: "X"}, `linkedTo cannot be "X"`},
		"all linked": {opsmanagertest.EveryOrg, opsmanagertest.OrgSettings{Linked: new(true)}, "linked"},
	}
	for name, test := range tests {
		require.ErrorContains(t, server.SetOrg(test.org, test.settings), test.says, name)
	}
	require.Equal(t, http.StatusNotFound, c.get().StatusCode)
}

func TestInvalidOptionsAreRejected(t *testing.T) {
	t.Parallel()
	for says, options := range map[string]opsmanagertest.Options{
		"colon":                {PublicKey: "a:b"},
		"sync delay":           {SyncDelay: -1},
		"nodes":                {Nodes: -1},
		"nonce lifetime":       {NonceLifetime: -1},
		`"SHA-512"`:            {Algorithms: []string{"SHA-512"}},
		"twice":                {Algorithms: []string{"MD5", "MD5"}},
		`known organization "`: {KnownOrgs: []string{"demo"}},
		"secondPost":           {Defaults: opsmanagertest.OrgSettings{SecondPost: "x"}},
	} {
		_, err := opsmanagertest.New(options)
		require.ErrorContains(t, err, says)
		require.Panics(t, func() { opsmanagertest.NewServer(options) })
	}
}
