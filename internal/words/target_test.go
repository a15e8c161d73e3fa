package words

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
)

func TestOutcomesDescribeTheTarget(t *testing.T) {
	t.Parallel()
	job := Job{Manager: "demo", OrgID: "5f1b2c3d4e5f6a7b8c9d0e1f", Workflow: migrationlink.LinkWorkflow}
	const already = "already linked: organization 5f1b2c3d4e5f6a7b8c9d0e1f of manager demo is SYNCED, and this request did not make the link"
	refused := &migrationlink.Problem{Type: migrationlink.ErrRoleMissing, Message: "Atlas \"keys\": \x1b[2J 401", Remedy: "Give it the role."}
	for name, test := range map[string]struct {
		result          migrationlink.LinkResult
		message, remedy string
	}{
		"seen": {
			migrationlink.LinkResult{Target: migrationlink.TargetVerified, Atlas: &migrationlink.AtlasResult{SourceProjects: 2, AvailableProjects: 1}},
			already + "; Atlas shows 1 of 2 projects", "",
		},
		"nothing to see": {
			migrationlink.LinkResult{Target: migrationlink.TargetUnknown, TargetReason: migrationlink.TargetNoProjects},
			already + "; not verified in Atlas, because the organization has no project that Atlas could show", "",
		},
		"not seen yet": {
			migrationlink.LinkResult{Target: migrationlink.TargetUnknown, TargetReason: migrationlink.TargetNotShownYet, Atlas: &migrationlink.AtlasResult{SourceProjects: 2}},
			already + "; not verified in Atlas, because Atlas does not show its projects yet", "",
		},
		"no permission": {
			migrationlink.LinkResult{Target: migrationlink.TargetUnknown, TargetReason: migrationlink.TargetNoPermission, TargetProblem: refused},
			already + "; not verified in Atlas, because the workers have no permission to check: Atlas \"keys\": [2J 401", "Give it the role. Then start the link again to repeat the check.",
		},
		"unreachable": {
			migrationlink.LinkResult{Target: migrationlink.TargetUnknown, TargetReason: migrationlink.TargetUnreachable, TargetProblem: &migrationlink.Problem{Message: "no reply", Remedy: "It is tried again."}},
			already + "; not verified in Atlas, because Atlas, the manager or a worker did not answer: no reply", "To repeat the check, start the link again.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := test.result
			result.Manager, result.OrgID, result.Outcome = job.Manager, job.OrgID, migrationlink.OutcomeAlreadyLinked
			message, remedy := Outcome(job, result)
			require.Equal(t, test.message, message)
			require.Equal(t, test.remedy, remedy)
		})
	}
	require.Equal(t, "unknown, because a-reason-of-tomorrow", Target(migrationlink.TargetUnknown, "a-reason-of-tomorrow", nil))
	require.Empty(t, Target("", "", nil))
}
