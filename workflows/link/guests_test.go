package link

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
)

// hosting is the part of an operation that takes in guests, and answers them after a minute.
// It stores how many bytes it keeps for them meanwhile.
func hosting(asked migrationlink.StartRequest, kept *int) func(workflow.Context) error {
	return func(ctx workflow.Context) error {
		o := newOperation(ctx, asked, activities.Target{Manager: asked.Link.Manager, OrgID: asked.Link.OrgID},
			newDeadline(now(ctx), time.Hour, time.Hour), migrationlink.PhaseCreating)
		o.guests.joins = workflow.GetSignalChannel(ctx, migrationlink.JoinSignal)
		o.openCancel(ctx)
		o.desk.retries = workflow.GetSignalChannel(ctx, migrationlink.RetrySignal)
		o.takeSignals(ctx)
		if err := workflow.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		text, err := json.Marshal([]any{o.guests.waiting, o.guests.late})
		*kept = len(text)
		for o.answerGuests(ctx) {
		}
		return err
	}
}

// join sends the request by so many workflows, and returns the answers to them.
func join(t *testing.T, host func(workflow.Context) error, sent migrationlink.StartRequest, guests int) (answers []Answer) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	w := suite.NewTestWorkflowEnvironment()
	var told sync.Mutex // the signals of one task are sent at the same time
	w.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, migrationlink.AnswerSignal, mock.Anything).Return(
		func(_, _, _, _ string, answer any) error {
			told.Lock()
			defer told.Unlock()
			answers = append(answers, answer.(Answer))
			return nil
		})
	w.RegisterDelayedCallback(func() {
		for i := range guests {
			w.SignalWorkflow(migrationlink.JoinSignal, Joining{
				Request:    sent,
				WorkflowID: strings.Repeat("x", maxIDLength),
				RunID:      fmt.Sprintf("00000000-0000-0000-0000-%012x", i),
				Proof:      strings.Repeat("p", maxProof),
			})
		}
	}, time.Second)
	w.ExecuteWorkflow(host)
	require.NoError(t, w.GetWorkflowError())
	return answers
}

func TestALinkKeepsOnlyTheAddressesOfItsGuests(t *testing.T) {
	t.Parallel()
	const header, footer = "-----BEGIN AGE ENCRYPTED FILE-----", "-----END AGE ENCRYPTED FILE-----"
	largest := migrationlink.NewStartRequest(migrationlink.LinkRequest{
		Manager: strings.Repeat("m", 63), OrgID: "5f1b2c3d4e5f6a7b8c9d0e1f",
		Token: migrationlink.TokenSource{Sealed: header + strings.Repeat("\n", 16<<10-len(header+footer)) + footer},
	})
	require.NoError(t, largest.Validate())
	kept := 0
	answers := join(t, hosting(largest, &kept), largest, maxGuests)
	require.Len(t, answers, maxGuests)
	require.NotNil(t, answers[0].Result)
	require.Less(t, kept, 5<<18, "1.25 MiB")
}

func TestAGuestIsToldLongDifferencesInShort(t *testing.T) {
	t.Parallel()
	with := func(last int) migrationlink.StartRequest {
		addresses := make([]string, 200)
		for i := range addresses {
			addresses[i] = fmt.Sprintf("ffff:ffff:ffff:ffff:ffff:ffff:ffff:%04x", last+i)
		}
		return migrationlink.NewStartRequest(migrationlink.LinkRequest{
			Manager: "demo", OrgID: "5f1b2c3d4e5f6a7b8c9d0e1f",
			Token: migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "demo", OrgID: "6a1b2c3d4e5f6a7b8c9d0e1f", AccessListIPs: addresses}},
		})
	}
	kept := 0
	answers := join(t, hosting(with(0x1000), &kept), with(0x2000), maxGuests)
	require.Len(t, answers, maxGuests)
	text, err := json.Marshal(answers)
	require.NoError(t, err)
	require.Less(t, len(text), maxGuests*(maxDifference+200))
	require.Equal(t, "token.atlas", answers[0].Different[0].Field)
	require.Contains(t, answers[0].Different[0].Problem, "running link: ")
}

// All answers of a workflow may go out in one task.
func TestWhatDiffersIsShortHoweverMuchDoes(t *testing.T) {
	t.Parallel()
	for _, letter := range []string{"x", "<", "\"", "é", "\U0001F600"} {
		different := make([]migrationlink.FieldProblem, 12)
		for i := range different {
			different[i] = migrationlink.FieldProblem{Field: "token.atlas", Problem: strings.Repeat(letter, 100*(i+1))}
		}
		text, err := json.Marshal(Answer{Proof: strings.Repeat("p", maxProof), Different: brief(different)})
		require.NoError(t, err)
		require.Less(t, (maxGuests+maxRefusals)*(len(text)+maxIDLength+200), 4<<20)
		require.Len(t, different, 12)
	}
}
