package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
)

func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// keyless configures the demo manager with a wrong key.
const keyless = `
[managers.wrong-key]
base_url    = "SIMULATOR"
public_key  = "env:DEMO_PUBLIC_KEY"
private_key = "env:WRONG_PRIVATE_KEY"

[managers.wrong-path]
base_url    = "SIMULATOR"
base_path   = "/api/private"
public_key  = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
`

func TestAPermanentErrorFailsInOneAttempt(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker(keyless, "WRONG_PRIVATE_KEY=not-the-key")
	for name, test := range map[string]struct {
		manager   string
		shape     map[string]any
		tokenRef  string
		errorType string
		says      []string
	}{
		"wrong key":      {manager: "wrong-key", errorType: migrationlink.ErrKeyRejected, says: []string{"401", "private_key", "wrong-key"}},
		"wrong path":     {manager: "wrong-path", errorType: migrationlink.ErrWrongAPI, says: []string{"base_path"}},
		"missing role":   {shape: map[string]any{"refusal": "NOT_ORG_OWNER"}, errorType: migrationlink.ErrRoleMissing, says: []string{"Organization Owner", "NOT_ORG_OWNER"}},
		"access list":    {shape: map[string]any{"refusal": "IP_ADDRESS_NOT_ON_ACCESS_LIST"}, errorType: migrationlink.ErrAccessListRefused, says: []string{"127.0.0.1", "access list"}},
		"unknown org":    {shape: map[string]any{"refusal": "ORG_NOT_FOUND"}, errorType: migrationlink.ErrOrgNotFound, says: []string{"Check orgId"}},
		"suspended":      {shape: map[string]any{"refusal": "ACCOUNT_SUSPENDED"}, errorType: migrationlink.ErrAccountSuspended, says: []string{"402"}},
		"rejected token": {shape: map[string]any{"tokenRefusal": "INVALID_ATTRIBUTE"}, errorType: migrationlink.ErrTokenRejected, says: []string{"new link-token"}},
		"missing token":  {tokenRef: "env:LINK_TOKEN_NOBODY_SET", errorType: migrationlink.ErrTokenUnavailable, says: []string{"token.ref", "LINK_TOKEN_NOBODY_SET"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			if test.shape != nil {
				s.shape(org, test.shape)
			}
			if test.manager == "" {
				test.manager = "demo"
			}
			if test.tokenRef == "" {
				test.tokenRef = "env:LINK_TOKEN_DEMO"
			}
			result, code := s.linkJSON(org, "--manager", test.manager, "--token-ref", test.tokenRef)
			require.Equal(t, 3, code)
			require.Equal(t, migrationlink.OutcomeFailed, result.Outcome)
			require.Equal(t, test.errorType, result.Problem.Type)
			sentence := result.Problem.Message + " " + result.Problem.Remedy
			for _, part := range test.says {
				require.Contains(t, sentence, part)
			}
			require.Len(t, s.history(result.WorkflowID, result.RunID), 16, "one activity, the starter's question, and what lists show of a failure")
			require.Zero(t, s.evidence(org).EffectivePosts)

			plain := s.starter("link", "--manager", test.manager, "--org", org, "--token-ref", test.tokenRef)
			require.Equal(t, 3, plain.code)
			require.Contains(t, plain.stderr+plain.stdout, result.Problem.Remedy)
			require.NotContains(t, plain.stderr+plain.stdout, "goroutine")
		})
	}
}

func TestBadInputNamesTheFieldAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for name, test := range map[string]struct {
		args   []string
		change func(*migrationlink.LinkRequest)
		field  string
	}{
		"org id":            {[]string{"--org", "5F1B"}, func(r *migrationlink.LinkRequest) { r.OrgID = "5F1B" }, "orgId"},
		"manager":           {[]string{"--manager", "Demo!"}, func(r *migrationlink.LinkRequest) { r.Manager = "Demo!" }, "manager"},
		"token path":        {[]string{"--token-ref", "file:../secret"}, func(r *migrationlink.LinkRequest) { r.Token.Ref = "file:../secret" }, "token.ref"},
		"token variable":    {[]string{"--token-ref", "env:PATH"}, func(r *migrationlink.LinkRequest) { r.Token.Ref = "env:PATH" }, "token.ref"},
		"zero create limit": {[]string{"--create-timeout", "0s"}, func(r *migrationlink.LinkRequest) { r.CreateTimeout = "0s" }, "createTimeout"},
		"zero sync limit":   {[]string{"--sync-timeout", "0s"}, func(r *migrationlink.LinkRequest) { r.SyncTimeout = "0s" }, "syncTimeout"},
		"below one poll":    {[]string{"--sync-timeout", "500ms"}, func(r *migrationlink.LinkRequest) { r.SyncTimeout = "500ms" }, "syncTimeout"},
		"undo":              {[]string{"--undo", "perhaps"}, func(r *migrationlink.LinkRequest) { r.Undo = "perhaps" }, "undo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			args := append([]string{"link"}, test.args...)
			for flag, usual := range map[string]string{"--manager": "demo", "--org": org, "--token-ref": "env:LINK_TOKEN_DEMO"} {
				if flag != test.args[0] {
					args = append(args, flag, usual)
				}
			}
			done := s.starter(args...)
			require.Equal(t, 2, done.code, done.stderr)
			require.Contains(t, done.stderr, "starter: "+test.args[0]+": ")

			request := migrationlink.LinkRequest{}
			run := s.begin(org, func(r *migrationlink.LinkRequest) { test.change(r); request = *r })
			err := run.Get(t.Context(), nil)
			require.ErrorContains(t, err, test.field+": ")
			require.ErrorContains(t, err, migrationlink.ErrInvalidRequest)
			require.Error(t, request.Validate())
			require.Zero(t, s.evidence(org).Posts+s.evidence(org).Gets)
		})
	}
}

func TestAMissingTemporalIsReportedSoon(t *testing.T) {
	t.Parallel()
	done := runProgram(t, []string{"TEMPORAL_ADDRESS=127.0.0.1:1"}, starterProgram,
		"link", "--manager", "demo", "--org", newOrg(), "--token-ref", "env:LINK_TOKEN_DEMO")
	require.Equal(t, 7, done.code)
	require.Less(t, done.took.Seconds(), 10.0)
	require.Contains(t, done.stderr, "127.0.0.1:1")
}

func TestAMissingNamespaceIsNamed(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	env := append(append([]string{}, s.env...), "TEMPORAL_NAMESPACE=elsewhere")
	for _, done := range []finished{
		runProgram(t, env, workerProgram, "--config", filepath.Join(s.dir, "worker.toml")),
		runProgram(t, env, starterProgram, "link", "--manager", "demo", "--org", newOrg(), "--token-ref", "env:LINK_TOKEN_DEMO"),
	} {
		require.Equal(t, 1, done.code)
		require.Contains(t, done.stderr, `no namespace "elsewhere"`)
		require.Contains(t, done.stderr, "TEMPORAL_NAMESPACE")
	}
}
