package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// from is a link-token of Atlas.
func from(atlas, target string) migrationlink.TokenSource {
	return migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: atlas, OrgID: target}}
}

// set changes an organization of the manager or of Atlas.
func (j *joint) set(org string, settings opsmanagertest.OrgSettings) {
	j.t.Helper()
	require.NoError(j.t, j.manager.SetOrg(org, settings))
}

func TestALinkWithAnotherTargetIsSeenWithinAMinuteAndReplacedWhenAsked(t *testing.T) {
	t.Parallel()
	j := newJoint(t)
	for name, flags := range map[string][]string{"a plain request": nil, "one that verifies": {"--verify-in-atlas", "--undo", "always"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := &joint{system: j.in(t), manager: j.manager}
			org, first, second := newOrg(), newOrg(), newOrg()
			link := func(target string, flags ...string) finished {
				return j.starter(append([]string{"link", "--manager", "demo", "--org", org, "--atlas", "keys", "--atlas-org", target}, flags...)...)
			}
			done := link(first)
			require.Zero(t, done.code, done.stderr)

			done = link(second, flags...)
			require.Equal(t, 3, done.code, done.stdout)
			require.Less(t, done.took, time.Minute)
			require.Contains(t, done.stdout+done.stderr, "shows none of the 2 projects")
			require.Contains(t, done.stdout+done.stderr, "The manager does not report which organization of Atlas it is linked to")
			status := j.starter("status", "--manager", "demo", "--org", org, "-o", "json")
			require.Contains(t, status.stdout, `"target":"not-shown"`)
			require.Contains(t, status.stdout, `"type":"WrongTarget"`)
			require.Zero(t, j.manager.State().Orgs[org].Deletes, "nobody has asked for that")
			require.Zero(t, j.atlas(second).LinkTokensMade)

			done = link(second, "--if-linked", "relink", "--verify-in-atlas")
			require.Zero(t, done.code, done.stderr)
			require.Equal(t, second, j.manager.State().Orgs[org].LinkedTo)
			require.Contains(t, j.starter("status", "--manager", "demo", "--org", org).stdout, "target        verified")
			done = link(second)
			require.Zero(t, done.code, done.stderr)
			require.Contains(t, done.stdout, "already linked")
		})
	}
}

func TestARetryAfterAWrongTargetMakesTheRightLink(t *testing.T) {
	t.Parallel()
	j := newJoint(t)
	org, target := newOrg(), newOrg()
	j.set(org, opsmanagertest.OrgSettings{Linked: new(true), LinkedTo: newOrg()})
	run := j.begin(org, func(r *migrationlink.LinkRequest) {
		whenBlocked(r)
		r.Token = from("keys", target)
	})
	j.waitForPhase(run, migrationlink.PhaseBlocked)
	status := j.status(run)
	require.Equal(t, migrationlink.ErrWrongTarget, status.Problem.Type)
	require.Equal(t, migrationlink.TargetNotShown, status.Target)

	j.set(org, opsmanagertest.OrgSettings{Linked: new(false)})
	done := j.starter("retry", "--manager", "demo", "--org", org)
	require.Zero(t, done.code, done.stderr)
	var result migrationlink.LinkResult
	require.NoError(t, run.Get(t.Context(), &result))
	require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
	require.Equal(t, target, j.manager.State().Orgs[org].LinkedTo)
	require.Equal(t, migrationlink.TargetVerified, result.Target)
}

func TestALinkThatAtlasShowsLateIsKept(t *testing.T) {
	t.Parallel()
	j := newJoint(t)
	org, target := newOrg(), newOrg()
	j.set(org, opsmanagertest.OrgSettings{Linked: new(true), LinkedTo: target, Projects: new(300), AvailableDelay: opsmanagertest.After(8 * time.Second)})
	run := j.begin(org, func(r *migrationlink.LinkRequest) { r.Token = from("account", target) })
	var result migrationlink.LinkResult
	require.NoError(t, run.Get(t.Context(), &result))
	require.Equal(t, migrationlink.OutcomeAlreadyLinked, result.Outcome)
	require.Equal(t, migrationlink.TargetVerified, result.Target)
	require.Equal(t, 300, result.Atlas.AvailableProjects)
	require.Len(t, result.Atlas.ProjectIDs, migrationlink.MaxProjectIDs)
}

func TestATargetIsUnknownForAReasonThatIsSaid(t *testing.T) {
	t.Parallel()
	j := newJoint(t, `
[atlas.down]
base_url    = "http://127.0.0.1:1"
public_key  = "env:DEMO_ATLAS_PUBLIC_KEY"
private_key = "env:DEMO_ATLAS_PRIVATE_KEY"
`)
	for name, test := range map[string]struct {
		atlas          string
		source, target opsmanagertest.OrgSettings
		ours           bool
		reason         migrationlink.TargetReason
		says           string
	}{
		"no projects":            {atlas: "keys", source: opsmanagertest.OrgSettings{Projects: new(0)}, reason: migrationlink.TargetNoProjects, says: "no project that Atlas could show"},
		"no permission":          {atlas: "keys", target: opsmanagertest.OrgSettings{Refusal: opsmanagertest.RefusedRole}, reason: migrationlink.TargetNoPermission, says: "Give the API key"},
		"not on the access list": {atlas: "keys", target: opsmanagertest.OrgSettings{Refusal: opsmanagertest.RefusedAddress}, reason: migrationlink.TargetNoPermission, says: "access list"},
		"unreachable":            {atlas: "down", reason: migrationlink.TargetUnreachable, says: "connection refused"},
		"nobody knows the Atlas": {atlas: "nobody", reason: migrationlink.TargetRefused, says: "known are: account, down, keys"},
		"our own, not shown yet": {atlas: "keys", ours: true, source: opsmanagertest.OrgSettings{AvailableDelay: opsmanagertest.After(time.Hour)}, reason: migrationlink.TargetNotShownYet, says: "does not show its projects yet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := &joint{system: j.in(t), manager: j.manager}
			org, target := newOrg(), newOrg()
			if !test.ours {
				test.source.Linked, test.source.LinkedTo = new(true), newOrg()
			}
			j.set(org, test.source)
			j.set(target, test.target)
			done := j.starter("link", "--manager", "demo", "--org", org, "--atlas", test.atlas, "--atlas-org", target)
			require.Zero(t, done.code, done.stderr)
			require.Contains(t, done.stdout, "not verified in Atlas, because ")
			require.Contains(t, done.stdout, test.says)
			status := j.starter("status", "--manager", "demo", "--org", org, "-o", "json")
			require.Contains(t, status.stdout, `"target":"unknown"`)
			require.Contains(t, status.stdout, `"targetReason":"`+string(test.reason)+`"`)
			require.Zero(t, j.manager.State().Orgs[org].Deletes)
		})
	}
}

// A link-token that is not made in Atlas names no target.
func TestALinkWithoutATargetCostsNothingMore(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"syncDelay": "0s"})
	run := s.begin(org, nil)
	var result migrationlink.LinkResult
	require.NoError(t, run.Get(t.Context(), &result))
	require.Empty(t, result.Target)
	require.Zero(t, s.evidence(org).ProjectReads)
	for _, event := range s.history(run.GetID(), run.GetRunID()) {
		require.NotEqual(t, enumspb.EVENT_TYPE_MARKER_RECORDED, event.GetEventType())
		require.False(t, strings.Contains(event.String(), migrationlink.VerifyInAtlasActivity))
	}
}
