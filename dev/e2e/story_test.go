package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink"
)

// The Web UI explains a link to people who know nothing of the worker.
func TestUserMetadataTellsTheStory(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	target := []string{"--manager", "demo", "--org", org}
	require.Zero(t, s.starter(append([]string{"link", "--token-ref", "env:LINK_TOKEN_DEMO", "--detach"}, target...)...).code)
	run := s.temporal.GetWorkflow(t.Context(), migrationlink.WorkflowID("demo", org), "")
	s.waitForPhase(run, migrationlink.PhaseSyncing)

	answer, err := s.temporal.QueryWorkflow(t.Context(), run.GetID(), "", "__temporal_workflow_metadata")
	require.NoError(t, err)
	var metadata sdkpb.WorkflowMetadata
	require.NoError(t, answer.Get(&metadata))
	for _, part := range []string{"Waiting until the link is SYNCED", org, "| **Last status** | NOT\\_SYNCED |", "| **Since** |", "| **Deadline** |", "| **Next check** |", "| What to do |"} {
		require.Contains(t, metadata.CurrentDetails, part)
	}

	described, err := s.temporal.DescribeWorkflowExecution(t.Context(), run.GetID(), "")
	require.NoError(t, err)
	var summary string
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(described.GetExecutionConfig().GetUserMetadata().GetSummary(), &summary))
	require.Equal(t, "Link organization "+org+" of manager demo", summary)
	var details string
	require.NoError(t, converter.GetDefaultDataConverter().FromPayload(described.GetExecutionConfig().GetUserMetadata().GetDetails(), &details))
	require.Contains(t, details, "| undo | `on-cancel` |", "what was asked for")

	var summaries []string
	for _, event := range s.history(run.GetID(), "") {
		if payload := event.GetUserMetadata().GetSummary(); event.GetActivityTaskScheduledEventAttributes() != nil {
			require.NoError(t, converter.GetDefaultDataConverter().FromPayload(payload, &summary))
			summaries = append(summaries, summary)
		}
	}
	require.Equal(t, []string{"Create the link of organization " + org, "Wait until organization " + org + " is SYNCED"}, summaries)
	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
	require.Error(t, run.Get(t.Context(), nil))
}
