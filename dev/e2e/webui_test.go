package e2e_test

import (
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// The picture in the README is updated only on request:
//
//	go -C dev test ./e2e -run TheWebUI -update-screenshot
var updateScreenshot = flag.Bool("update-screenshot", false, "update docs/images/web-ui.png")

// The person on call reads the state in Temporal's own Web UI. They have no shell on
// our machines and do not know the starter.
func TestTheWebUIShowsPhaseStatusDeadlineNextCheckAndRemedy(t *testing.T) {
	t.Parallel()
	browser := tool(t, "chromium")
	s := newSystem(t)
	s.worker("")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	require.Zero(t, s.starter("link", "--manager", "demo", "--org", org, "--token-ref", "env:LINK_TOKEN_DEMO", "--detach").code)
	id := migrationlink.WorkflowID("demo", org)
	run := s.temporal.GetWorkflow(t.Context(), id, "")
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	status := s.status(run)

	page := s.webUI(browser)
	page.open("/namespaces/default/workflows")
	page.shows(id, "LinkOrganization", "RUNNING")

	page.click(id) // the timeline comes first
	page.shows("CreateLink • Create the link of organization "+org, "AwaitSynced • Wait until organization "+org+" is SYNCED")

	page.click("Event History")
	page.shows("Create the link of organization "+org, "Wait until organization "+org+" is SYNCED")
	page.showsLike(`ATTEMPT \d+ / ∞`)

	page.click("User Metadata")
	page.shows("Link organization "+org+" of manager demo",
		"Waiting until the link is SYNCED", "What to do Nothing.", "Last status NOT_SYNCED", "Next check automatic",
		"Since "+uiTime(status.PhaseSince), "Deadline "+uiTime(status.Deadline), "Organization "+org+" of manager demo")
	require.NotRegexp(t, `\*\*|##|&\w+;|-{3}`, page.text(), "Markdown that was not rendered")

	page.follow("pending activities") // from within the details
	page.showsLike(`Attempt \d+ / UNLIMITED`)
	page.showsLike(`Next Retry \w+ \d+, \d{4}`)
	page.showsLike(`"remedy": "Check on the manager`)
	page.showsLike(`"linkStatus": "NOT_SYNCED"`)
	page.showsLike(`"nextPollAt": "\d{4}-`)

	require.NoError(t, s.temporal.CancelWorkflow(t.Context(), id, ""))
	require.Error(t, run.Get(t.Context(), nil))
}

func TestTheWebUIShowsWhyALinkIsBlockedAndHowToResumeIt(t *testing.T) {
	t.Parallel()
	browser := tool(t, "chromium")
	s := newSystem(t)
	s.worker("")
	org := "5f1b2c3d4e5f6a7b8c9d0e1f" // as in the README
	s.shape(org, map[string]any{"refusal": opsmanagertest.RefusedAddress})
	require.Equal(t, blockedCode, s.starter("link", "--manager", "demo", "--org", org, "--token-ref", "env:LINK_TOKEN_DEMO", "--on-blocked", "wait", "--detach").code)
	run := s.temporal.GetWorkflow(t.Context(), migrationlink.WorkflowID("demo", org), "")
	s.waitForPhase(run, migrationlink.PhaseBlocked)
	status := s.status(run)

	page := s.webUI(browser)
	page.open("/namespaces/default/workflows/" + run.GetID() + "/" + run.GetRunID() + "/user-metadata")
	page.shows("Link organization "+org+" of manager demo", "Blocked while creating the link: a person has to act", "HTTP 403 "+opsmanagertest.RefusedAddress)
	told := page.showsLike(`What to do Add 127\.0\.0\.1, .* to the access list of the API key .* Then starter (retry .*?), or send the signal retry`)
	page.shows("Since "+uiTime(status.PhaseSince), "Deadline "+uiTime(status.Deadline))
	if *updateScreenshot {
		page.screenshot("../../docs/images/web-ui.png")
	}

	// The person does exactly what the page says, and retries.
	s.shape(org, map[string]any{"refusal": opsmanagertest.NoRefusal, "sync": "never"})
	require.Zero(t, s.starter(strings.Fields(told[1])...).code, told[1])
	s.waitForPhase(run, migrationlink.PhaseSyncing)
	page.press("r")
	page.shows("Waiting until the link is SYNCED")
	require.NotContains(t, page.text(), "Blocked while")
}

// uiTime is a time as the page shows it.
func uiTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
