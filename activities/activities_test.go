package activities_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

const orgID = "5f1b2c3d4e5f6a7b8c9d0e1f"

var target = activities.Target{Manager: "demo", OrgID: orgID}

// newEnvironment runs activities against a simulated manager.
func newEnvironment(t *testing.T, settings opsmanagertest.OrgSettings, faults ...opsmanagertest.Fault) (*testsuite.TestActivityEnvironment, *opsmanagertest.Server) {
	t.Helper()
	server := opsmanagertest.NewServer(opsmanagertest.Options{Defaults: settings})
	t.Cleanup(server.Close)
	require.NoError(t, server.SetFaults(faults))
	return environmentOf(t, opsmanager.Config{BaseURL: server.URL}, activities.Unrecorded), server
}

// environmentOf runs activities against a manager, and records heartbeats as recorded says.
func environmentOf(t *testing.T, config opsmanager.Config, recorded func(*activities.Activities) *activities.Activities) *testsuite.TestActivityEnvironment {
	t.Helper()
	config.PublicKey, config.PrivateKey = opsmanagertest.DefaultPublicKey, redact.NewSecret(opsmanagertest.DefaultPrivateKey)
	config.Timeout = 2 * time.Second
	client, err := opsmanager.New(config)
	require.NoError(t, err)
	t.Cleanup(client.Close)

	var suite testsuite.WorkflowTestSuite
	environment := suite.NewTestActivityEnvironment()
	environment.SetWorkerOptions(worker.Options{})
	tokens := secret.NewTokens(tokenDirectory(t))
	activities.Register(environment, recorded(activities.New(activities.Clients{Managers: map[string]*opsmanager.Client{"demo": client}, Tokens: tokens})))
	return environment
}

func createInput() activities.CreateLinkInput {
	return activities.CreateLinkInput{FindLinkInput: findInput(), Token: migrationlink.TokenSource{Ref: "file:token"}}
}

func findInput() activities.FindLinkInput {
	return activities.FindLinkInput{Target: target, Since: time.Now(), Deadline: time.Now().Add(time.Minute)}
}

func create(t *testing.T, environment *testsuite.TestActivityEnvironment, in activities.CreateLinkInput) (activities.CreateLinkResult, error) {
	t.Helper()
	var result activities.CreateLinkResult
	value, err := environment.ExecuteActivity(migrationlink.CreateLinkActivity, in)
	if err == nil {
		require.NoError(t, value.Get(&result))
	}
	return result, err
}

func requireType(t *testing.T, err error, errorType string) *temporal.ApplicationError {
	t.Helper()
	var applicationError *temporal.ApplicationError
	require.ErrorAs(t, err, &applicationError)
	require.Equal(t, errorType, applicationError.Type(), "%v", err)
	return applicationError
}

// Fault kinds that leave open whether the POST took effect, and those that do
// not.
func TestOnlyALostReplyLeavesDoubt(t *testing.T) {
	t.Parallel()
	for kind, errorType := range map[opsmanagertest.FaultKind]string{
		opsmanagertest.LostReply:       migrationlink.ErrReplyLost,
		opsmanagertest.ConnectionReset: migrationlink.ErrReplyLost, // it cannot be told from the one above
		opsmanagertest.StallAfter:      migrationlink.ErrReplyLost,
		opsmanagertest.GarbageBody:     migrationlink.ErrReplyLost,
		opsmanagertest.TruncatedBody:   migrationlink.ErrReplyLost,
		opsmanagertest.BadGateway:      migrationlink.ErrReplyLost,
		opsmanagertest.GatewayTimeout:  migrationlink.ErrReplyLost,
		opsmanagertest.TooManyRequests: migrationlink.ErrManagerUnavailable,
		opsmanagertest.UpgradeWindow:   migrationlink.ErrManagerUnavailable,
		opsmanagertest.StaleNonce:      migrationlink.ErrManagerUnavailable,
		opsmanagertest.NoChallenge:     migrationlink.ErrManagerUnavailable, // the key was accepted before
		opsmanagertest.EmptyBody:       migrationlink.ErrReplyLost,          // no API answers so
		opsmanagertest.GzipBody:        "",
		opsmanagertest.ChunkedBody:     "",
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			environment, server := newEnvironment(t, opsmanagertest.OrgSettings{}, opsmanagertest.Fault{Kind: kind, Operation: "POST"})
			_, err := create(t, environment, createInput())
			if errorType == "" {
				require.NoError(t, err)
				require.Equal(t, 1, server.State().Orgs[orgID].EffectivePosts)
				return
			}
			require.Equal(t, errorType != migrationlink.ErrManagerUnavailable, requireType(t, err, errorType).NonRetryable())
		})
	}
}

func TestCreateLinkReadsBeforeItWrites(t *testing.T) {
	t.Parallel()
	environment, server := newEnvironment(t, opsmanagertest.OrgSettings{})
	linked := true
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: &linked}))
	result, err := create(t, environment, createInput())
	require.NoError(t, err)
	require.Equal(t, activities.CreateLinkResult{Created: false, LinkStatus: "SYNCED", Polls: 1}, result)
	require.Zero(t, server.State().Orgs[orgID].Posts)
}

func TestFindLinkDecidesAsCreateLinkDoesAndCreatesNothing(t *testing.T) {
	t.Parallel()
	never := opsmanagertest.OrgSettings{Sync: opsmanagertest.SyncNever}
	doubt := func(in *activities.FindLinkInput) {
		in.DoubtUntil, in.Before = time.Now().Add(time.Minute), migrationlink.LinkNone
	}
	for name, test := range map[string]struct {
		linked    bool
		ask       func(in *activities.FindLinkInput)
		want      activities.FindLinkResult
		errorType string
	}{
		"no link":                  {want: activities.FindLinkResult{LinkStatus: migrationlink.LinkNone}},
		"perhaps a link":           {linked: true, want: activities.FindLinkResult{LinkStatus: "NOT_SYNCED"}},
		"to be replaced":           {linked: true, ask: func(in *activities.FindLinkInput) { in.Replace = true }, want: activities.FindLinkResult{Found: true, LinkStatus: "NOT_SYNCED", Polls: 1}},
		"after a lost reply":       {linked: true, ask: doubt, want: activities.FindLinkResult{Found: true, Created: true, LinkStatus: "NOT_SYNCED", Polls: 1}},
		"not yet there after that": {ask: doubt, errorType: migrationlink.ErrNotSynced},
		"no id of an organization": {ask: func(in *activities.FindLinkInput) { in.OrgID = "none" }, errorType: migrationlink.ErrInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environment, server := newEnvironment(t, never)
			require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: &test.linked}))
			in := findInput()
			if test.ask != nil {
				test.ask(&in)
			}
			value, err := environment.ExecuteActivity(migrationlink.FindLinkActivity, in)
			require.Zero(t, server.State().Orgs[orgID].Posts)
			if test.errorType != "" {
				_ = requireType(t, err, test.errorType)
				return
			}
			require.NoError(t, err)
			var found activities.FindLinkResult
			require.NoError(t, value.Get(&found))
			require.Equal(t, test.want, found)
		})
	}
}

// After a lost reply, under each answer that a manager may give.
func TestAfterALostReplyNothingIsCreatedTwice(t *testing.T) {
	t.Parallel()
	later, never := opsmanagertest.SyncAfterDelay, opsmanagertest.SyncNever
	for name, test := range map[string]struct {
		settings  opsmanagertest.OrgSettings
		before    string
		settled   bool // the settling time is over
		errorType string
	}{
		"synced":                      {opsmanagertest.OrgSettings{Sync: later}, "NOT_SYNCED", false, ""},
		"there was no link before":    {opsmanagertest.OrgSettings{Sync: never}, migrationlink.LinkNone, false, ""},
		"it looked like one, still":   {opsmanagertest.OrgSettings{Sync: never}, "NOT_SYNCED", false, migrationlink.ErrNotSynced},
		"not synced, 409":             {opsmanagertest.OrgSettings{Sync: never, SecondPost: opsmanagertest.SecondPostConflict}, "NOT_SYNCED", true, ""},
		"not synced, idempotent POST": {opsmanagertest.OrgSettings{Sync: never, SecondPost: opsmanagertest.SecondPostIdempotent}, "NOT_SYNCED", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environment, server := newEnvironment(t, test.settings,
				opsmanagertest.Fault{Kind: opsmanagertest.LostReply, Operation: "POST", Count: 1})
			_, err := create(t, environment, createInput())
			_ = requireType(t, err, migrationlink.ErrReplyLost)

			in := createInput()
			in.DoubtUntil, in.Before = time.Now().Add(time.Minute), test.before
			if test.settled {
				in.DoubtUntil = time.Now().Add(-time.Second)
			}
			result, err := create(t, environment, in)
			require.Equal(t, 1, server.State().Orgs[orgID].EffectivePosts)
			if test.errorType != "" {
				_ = requireType(t, err, test.errorType)
				return
			}
			require.NoError(t, err)
			require.True(t, result.Created, "it is ours")
		})
	}
}

func TestAConflictWithoutALostReplyMeansSomebodyElsesLink(t *testing.T) {
	t.Parallel()
	environment, server := newEnvironment(t, opsmanagertest.OrgSettings{Sync: opsmanagertest.SyncNever})
	linked := true
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: &linked}))
	result, err := create(t, environment, createInput())
	require.NoError(t, err)
	require.False(t, result.Created)
	require.Equal(t, "NOT_SYNCED", result.LinkStatus)
}

// Somebody may have just made the link, or a proxy has repeated the POST.
func TestAConflictAfterAReadWithoutALinkLeavesADoubt(t *testing.T) {
	t.Parallel()
	server := opsmanagertest.NewServer(opsmanagertest.Options{Defaults: opsmanagertest.OrgSettings{
		Sync: opsmanagertest.SyncNever, SecondPost: opsmanagertest.SecondPostConflict, StatusWithoutLink: opsmanagertest.WithoutLinkNotFound,
	}})
	t.Cleanup(server.Close)
	linked := true
	overtaken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.Header.Get("Authorization") != "" {
			if err := server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: &linked}); err != nil {
				t.Error(err)
			}
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(overtaken.Close)
	result, err := create(t, environmentOf(t, opsmanager.Config{BaseURL: overtaken.URL, UnlinkedIs404: true}, activities.Unrecorded), createInput())
	require.NoError(t, err)
	require.True(t, result.Created)
	require.True(t, result.InDoubt)
	require.Equal(t, migrationlink.LinkNone, result.Before)
	require.Equal(t, 1, server.State().Orgs[orgID].Posts)
}

func TestRetryAfterIsObeyed(t *testing.T) {
	t.Parallel()
	environment, _ := newEnvironment(t, opsmanagertest.OrgSettings{}, opsmanagertest.Fault{
		Kind: opsmanagertest.TooManyRequests, RetryAfter: opsmanagertest.After(17 * time.Second),
	})
	_, err := create(t, environment, createInput())
	require.Equal(t, 17*time.Second, requireType(t, err, migrationlink.ErrManagerUnavailable).NextRetryDelay())
}

func TestPollsSlowDownAndTheLastIsOnTheDeadline(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		waited, left time.Duration
		least, most  time.Duration
	}{
		"soon":               {0, time.Hour, 900 * time.Millisecond, 1100 * time.Millisecond},
		"after 100 s":        {100 * time.Second, time.Hour, 17 * time.Second, 19 * time.Second},
		"after a day":        {24 * time.Hour, time.Hour, 40 * time.Second, 45 * time.Second},
		"near the deadline":  {time.Hour, 10 * time.Second, 9 * time.Second, 10 * time.Second},
		"after the deadline": {time.Hour, -100 * time.Millisecond, 50 * time.Minute, time.Hour}, // beyond the limit: Temporal ends it
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environment, _ := newEnvironment(t, opsmanagertest.OrgSettings{Sync: opsmanagertest.SyncNever})
			now := time.Now()
			_, err := environment.ExecuteActivity(migrationlink.AwaitSyncedActivity, activities.AwaitSyncedInput{
				Target: target, Since: now.Add(-test.waited), Deadline: now.Add(test.left),
			})
			applicationError := requireType(t, err, migrationlink.ErrNotSynced)
			require.False(t, applicationError.NonRetryable(), "only Temporal knows whether the time is up")
			require.GreaterOrEqual(t, applicationError.NextRetryDelay(), test.least)
			require.LessOrEqual(t, applicationError.NextRetryDelay(), test.most)
			require.Equal(t, temporal.ApplicationErrorCategoryBenign, applicationError.Category())
		})
	}
}

// An operator's pause makes Temporal repeat an attempt that was to be the only
// one.
func TestAnAttemptNeverPostsAfterOneThatMayHavePosted(t *testing.T) {
	t.Parallel()
	environment, server := newEnvironment(t, opsmanagertest.OrgSettings{})
	environment.SetHeartbeatDetails(activities.Posting{Before: migrationlink.LinkNone})
	_, err := create(t, environment, createInput())
	require.True(t, requireType(t, err, migrationlink.ErrReplyLost).NonRetryable())
	require.Zero(t, server.State().Orgs[orgID].Posts)
}

// Temporal would keep the entry of an attempt that an operator has paused, and the next one would
// take a creation that was refused for one whose reply was lost.
func TestARefusedCreationLeavesNoEntry(t *testing.T) {
	t.Parallel()
	server := opsmanagertest.NewServer(opsmanagertest.Options{})
	t.Cleanup(server.Close)
	require.NoError(t, server.SetFaults([]opsmanagertest.Fault{{Kind: opsmanagertest.TooManyRequests, Operation: "POST"}}))
	var mu sync.Mutex
	var entries []any
	environment := environmentOf(t, opsmanager.Config{BaseURL: server.URL}, func(a *activities.Activities) *activities.Activities {
		return activities.Recorded(a, func(details ...any) error {
			mu.Lock()
			defer mu.Unlock()
			entries = append(entries, details...)
			return nil
		})
	})
	_, err := create(t, environment, createInput())
	_ = requireType(t, err, migrationlink.ErrManagerUnavailable)
	mu.Lock()
	defer mu.Unlock()
	require.Contains(t, entries, activities.Posting{Before: migrationlink.LinkNone})
	require.Equal(t, activities.Posting{}, entries[len(entries)-1])
}

func TestDeleteOfAMissingLinkIsNoError(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{opsmanagertest.WithoutLinkNotFound, opsmanagertest.WithoutLinkNoContent} {
		environment, _ := newEnvironment(t, opsmanagertest.OrgSettings{DeleteWithoutLink: answer})
		_, err := environment.ExecuteActivity(migrationlink.DeleteLinkActivity, activities.DeleteLinkInput{Target: target, Since: time.Now(), Deadline: time.Now().Add(time.Minute)})
		require.NoError(t, err)
	}
	environment, _ := newEnvironment(t, opsmanagertest.OrgSettings{})
	_, err := environment.ExecuteActivity(migrationlink.DeleteLinkActivity,
		activities.DeleteLinkInput{Target: target, DoubtUntil: time.Now().Add(time.Minute), Since: time.Now(), Deadline: time.Now().Add(time.Hour)})
	require.False(t, requireType(t, err, migrationlink.ErrReplyLost).NonRetryable(), "it may still appear")
}

// A manager may acknowledge a removal and go on showing the link.
func TestARemovalIsConfirmedByTheStatusNotByTheReply(t *testing.T) {
	t.Parallel()
	environment, server := newEnvironment(t, opsmanagertest.OrgSettings{})
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: new(true)}))
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{StaleReads: opsmanagertest.Duration(time.Hour)}))
	_, err := environment.ExecuteActivity(migrationlink.DeleteLinkActivity,
		activities.DeleteLinkInput{Target: target, Known: true, TellsNone: true, Made: true, Since: time.Now(), Deadline: time.Now().Add(time.Hour)})
	var applicationError *temporal.ApplicationError
	require.ErrorAs(t, err, &applicationError)
	require.Equal(t, 1, server.State().Orgs[orgID].EffectiveDeletes)
}

func TestDeleteDuringAMigrationNamesTheProjects(t *testing.T) {
	t.Parallel()
	environment, server := newEnvironment(t, opsmanagertest.OrgSettings{RunningMigrations: []string{"6f1b2c3d4e5f6a7b8c9d0e1a"}})
	linked := true
	require.NoError(t, server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: &linked}))
	_, err := environment.ExecuteActivity(migrationlink.DeleteLinkActivity, activities.DeleteLinkInput{Target: target})
	applicationError := requireType(t, err, migrationlink.ErrMigrationRunning)
	var problem migrationlink.Problem
	require.NoError(t, applicationError.Details(&problem))
	require.Contains(t, problem.Remedy, "6f1b2c3d4e5f6a7b8c9d0e1a")
}
