package activities_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/activities"
	"github.com/migrationlink/migrationlink/atlas"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

const targetOrgID = "6a1b2c3d4e5f6a7b8c9d0e1f"

var prod = migrationlink.AtlasToken{Name: "prod", OrgID: targetOrgID, AccessListIPs: []string{"203.0.113.7"}}

// bothSides is a worker that works with a manager and with Atlas, which know of
// each other.
type bothSides struct {
	*testsuite.TestActivityEnvironment
	server     *opsmanagertest.Server
	identities seal.Identities

	mu     sync.Mutex
	issued []string // link-tokens, in clear
	marks  []activities.TokenTrace
	record error // of the next heartbeats
	// rewrite, if set, is what comes between Atlas and the worker.
	rewrite func(reply string) string
}

func newBothSides(t *testing.T, settings opsmanagertest.OrgSettings, faults ...opsmanagertest.Fault) *bothSides {
	t.Helper()
	identity, _, err := seal.GenerateIdentity(false)
	require.NoError(t, err)
	identities, err := seal.ParseIdentities(identity)
	require.NoError(t, err)
	b := &bothSides{
		server:     opsmanagertest.NewServer(opsmanagertest.Options{Joint: true, Defaults: settings}),
		identities: identities,
	}
	t.Cleanup(b.server.Close)
	require.NoError(t, b.server.SetFaults(faults))
	b.work(t, b.clients(t))
	return b
}

func (b *bothSides) clients(t *testing.T) activities.Clients {
	t.Helper()
	listening := httptest.NewServer(http.HandlerFunc(b.overhear))
	t.Cleanup(listening.Close)
	manager, err := opsmanager.New(opsmanager.Config{
		BaseURL: b.server.URL, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultPrivateKey),
		Timeout: 2 * time.Second, UnlinkedIs404: true,
	})
	require.NoError(t, err)
	t.Cleanup(manager.Close)
	prod, err := atlas.New(atlas.Config{
		BaseURL: listening.URL, PublicKey: opsmanagertest.DefaultAtlasPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultAtlasPrivateKey),
		Timeout: 2 * time.Second,
	})
	require.NoError(t, err)
	t.Cleanup(prod.Close)
	return activities.Clients{
		Managers:   map[string]*opsmanager.Client{"demo": manager},
		Atlas:      map[string]*atlas.Client{"prod": prod},
		Tokens:     secret.NewTokens(tokenDirectory(t)),
		Identities: b.identities,
	}
}

// work begins with another worker.
func (b *bothSides) work(t *testing.T, clients activities.Clients) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	b.TestActivityEnvironment = suite.NewTestActivityEnvironment()
	activities.Register(b.TestActivityEnvironment, activities.Recorded(activities.New(clients), b.recorded))
}

func (b *bothSides) recorded(details ...any) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(details) == 1 {
		if trace, ok := details[0].(activities.TokenTrace); ok {
			b.marks = append(b.marks, trace)
		}
	}
	return b.record
}

// overhear is what nobody else can: it knows the link-tokens.
func (b *bothSides) overhear(w http.ResponseWriter, r *http.Request) {
	reply := httptest.NewRecorder()
	reply.Body.Grow(1 << 10)
	served := false
	func() {
		defer func() { served = recover() == nil }() // of a connection that is reset
		b.server.ServeHTTP(reply, r)
	}()
	if !served {
		panic(http.ErrAbortHandler)
	}
	var issued struct {
		LinkToken string `json:"linkToken"`
	}
	if json.Unmarshal(reply.Body.Bytes(), &issued) == nil && issued.LinkToken != "" {
		b.mu.Lock()
		b.issued = append(b.issued, issued.LinkToken)
		b.mu.Unlock()
	}
	maps.Copy(w.Header(), reply.Header())
	said := reply.Body.String()
	if b.rewrite != nil {
		said = b.rewrite(said)
		w.Header().Del("Content-Length")
	}
	w.WriteHeader(reply.Code)
	_, _ = io.WriteString(w, said)
}

func (b *bothSides) atlas() opsmanagertest.AtlasOrgState {
	return b.server.State().Atlas.Orgs[targetOrgID]
}

func run[R any](t *testing.T, b *bothSides, name string, in any) (result R, _ error) {
	t.Helper()
	value, err := b.ExecuteActivity(name, in)
	if err == nil {
		require.NoError(t, value.Get(&result))
	}
	return result, err
}

func (b *bothSides) makeToken(t *testing.T) (activities.CreateLinkTokenResult, error) {
	t.Helper()
	return run[activities.CreateLinkTokenResult](t, b, migrationlink.CreateLinkTokenActivity, activities.CreateLinkTokenInput{
		Target: target, Atlas: prod, Since: time.Now(), Deadline: time.Now().Add(time.Minute),
	})
}

func (b *bothSides) find(t *testing.T) (activities.FindLinkResult, error) {
	t.Helper()
	return run[activities.FindLinkResult](t, b, migrationlink.FindLinkActivity, findInput())
}

func (b *bothSides) create(t *testing.T, token migrationlink.TokenSource) (activities.CreateLinkResult, error) {
	t.Helper()
	in := createInput()
	in.Token = token
	return run[activities.CreateLinkResult](t, b, migrationlink.CreateLinkActivity, in)
}

func (b *bothSides) verify(t *testing.T) (activities.VerifyInAtlasResult, error) {
	t.Helper()
	return run[activities.VerifyInAtlasResult](t, b, migrationlink.VerifyInAtlasActivity, activities.VerifyInAtlasInput{
		Target: target, Atlas: prod, Since: time.Now(), Deadline: time.Now().Add(time.Minute),
	})
}

func (b *bothSides) deleteToken(t *testing.T) (activities.DeleteLinkTokenResult, error) {
	t.Helper()
	return run[activities.DeleteLinkTokenResult](t, b, migrationlink.DeleteLinkTokenActivity, activities.DeleteLinkTokenInput{
		Target: target, Atlas: prod, Known: true, Since: time.Now(), Deadline: time.Now().Add(time.Minute),
	})
}

// linked makes a link with a link-token of Atlas.
func (b *bothSides) linked(t *testing.T) {
	t.Helper()
	made, err := b.makeToken(t)
	require.NoError(t, err)
	result, err := b.create(t, made.Sealed)
	require.NoError(t, err)
	require.True(t, result.Created)
}

func TestALinkTokenIsMadeForOneOrganizationAndSealedToTheWorkers(t *testing.T) {
	t.Parallel()
	b := newBothSides(t, opsmanagertest.OrgSettings{})
	looked, err := b.find(t)
	require.NoError(t, err)
	require.Equal(t, activities.FindLinkResult{LinkStatus: migrationlink.LinkNone}, looked)
	require.Zero(t, b.atlas().Posts)

	made, err := b.makeToken(t)
	require.NoError(t, err)
	require.False(t, made.InDoubt)
	require.NoError(t, made.Sealed.Validate())
	require.Len(t, b.issued, 1)
	require.Equal(t, migrationlink.TokenFingerprint("demo", orgID, b.issued[0]), made.Sealed.Fingerprint)

	result, err := b.create(t, made.Sealed)
	require.NoError(t, err, "the manager takes none but that of Atlas")
	require.True(t, result.Created)

	_, err = run[activities.CreateLinkResult](t, b, migrationlink.CreateLinkActivity, activities.CreateLinkInput{
		FindLinkInput: activities.FindLinkInput{Target: activities.Target{Manager: "demo", OrgID: targetOrgID}, Deadline: time.Now().Add(time.Minute)},
		Token:         made.Sealed,
	})
	require.True(t, requireType(t, err, migrationlink.ErrTokenNotOpened).NonRetryable(), "it is bound to another organization")

	clients := b.clients(t)
	clients.Identities = seal.Identities{}
	b.work(t, clients)
	_, err = b.create(t, made.Sealed)
	var problem migrationlink.Problem
	require.NoError(t, requireType(t, err, migrationlink.ErrTokenNotOpened).Details(&problem))
	require.Equal(t, migrationlink.CodeNoIdentities, problem.Code)
}

func TestALinkedOrganizationNeedsNoLinkToken(t *testing.T) {
	t.Parallel()
	b := newBothSides(t, opsmanagertest.OrgSettings{})
	require.NoError(t, b.server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: new(true)}))
	result, err := b.find(t)
	require.NoError(t, err)
	require.Equal(t, activities.FindLinkResult{Found: true, LinkStatus: "SYNCED", Polls: 1}, result)
}

func TestNoLinkTokenIsMadeThatCannotBeSealed(t *testing.T) {
	t.Parallel()
	b := newBothSides(t, opsmanagertest.OrgSettings{})
	clients := b.clients(t)
	clients.Identities = seal.Identities{}
	b.work(t, clients)
	_, err := b.makeToken(t)
	require.Contains(t, requireType(t, err, migrationlink.ErrTokenNotOpened).Message(), "tokens.identities")
	require.Zero(t, b.server.State().Totals.Requests)

	clients.Atlas = map[string]*atlas.Client{"dev": nil, "test": nil}
	b.work(t, clients)
	_, err = b.makeToken(t)
	require.Contains(t, requireType(t, err, migrationlink.ErrUnknownAtlas).Message(), "known are: dev, test")
}

func TestALostReplyOfAtlasEndsTheActivityAndSaysSo(t *testing.T) {
	t.Parallel()
	for kind, doubt := range map[opsmanagertest.FaultKind]bool{
		opsmanagertest.LostReply:       true,
		opsmanagertest.GarbageBody:     true,
		opsmanagertest.EmptyBody:       true,
		opsmanagertest.TruncatedBody:   true,
		opsmanagertest.BadGateway:      true,
		opsmanagertest.StallAfter:      true,
		opsmanagertest.TooManyRequests: false,
		opsmanagertest.StaleNonce:      false,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := newBothSides(t, opsmanagertest.OrgSettings{}, opsmanagertest.Fault{Kind: kind, Operation: opsmanagertest.CreateLinkToken})
			_, err := b.makeToken(t)
			failed := requireType(t, err, migrationlink.ErrAtlasUnavailable)
			require.Equal(t, doubt, failed.NonRetryable())
			var problem migrationlink.Problem
			var trace activities.TokenTrace
			require.NoError(t, failed.Details(&problem, &trace))
			require.Equal(t, doubt, trace.Lost)
			require.Contains(t, problem.Message, `Atlas "prod"`)
			require.NotEmpty(t, problem.Remedy)

			b.mu.Lock()
			defer b.mu.Unlock()
			require.Contains(t, b.marks, activities.TokenTrace{Lost: true}, "before it is sent")
			require.Equal(t, doubt, b.marks[len(b.marks)-1].Lost, "a refusal takes it back")
		})
	}
}

func TestNoLinkTokenIsMadeThatTemporalWouldNotKnowOf(t *testing.T) {
	t.Parallel()
	b := newBothSides(t, opsmanagertest.OrgSettings{})
	b.record = errors.New("Temporal cannot be reached")
	_, err := b.makeToken(t)
	require.False(t, requireType(t, err, migrationlink.ErrAtlasUnavailable).NonRetryable())
	require.Zero(t, b.atlas().Posts)
}

// Who waits for the limit of the request does not wait for a server that hangs.
func TestNothingIsReadForALinkTokenAfterTheDeadline(t *testing.T) {
	t.Parallel()
	const limit = 300 * time.Millisecond
	for operation, call := range map[string]func(t *testing.T, b *bothSides) error{
		opsmanagertest.AvailableProjects: func(t *testing.T, b *bothSides) error {
			t.Helper()
			_, err := run[activities.CreateLinkTokenResult](t, b, migrationlink.CreateLinkTokenActivity, activities.CreateLinkTokenInput{
				Target: target, Atlas: prod, Since: time.Now(), Deadline: time.Now().Add(limit),
			})
			return err
		},
		opsmanagertest.ReadLinkStatus: func(t *testing.T, b *bothSides) error {
			t.Helper()
			_, err := run[activities.DeleteLinkTokenResult](t, b, migrationlink.DeleteLinkTokenActivity, activities.DeleteLinkTokenInput{
				Target: target, Atlas: prod, Since: time.Now(), Deadline: time.Now().Add(limit),
			})
			return err
		},
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			b := newBothSides(t, opsmanagertest.OrgSettings{}, opsmanagertest.Fault{Kind: opsmanagertest.StallBefore, Operation: operation})
			began := time.Now()
			err := call(t, b)
			require.ErrorContains(t, err, "context deadline exceeded")
			require.Less(t, time.Since(began), time.Second, "the HTTP timeout is 2 s")
			require.Zero(t, b.atlas().Posts+b.atlas().Deletes)
		})
	}
}

// What was sent before the deadline is waited for after it, too.
func TestTheReplyWithALinkTokenIsAwaitedPastTheDeadline(t *testing.T) {
	t.Parallel()
	b := newBothSides(t, opsmanagertest.OrgSettings{}, opsmanagertest.Fault{Kind: opsmanagertest.StallAfter, Duration: opsmanagertest.Duration(600 * time.Millisecond), Operation: opsmanagertest.CreateLinkToken})
	made, err := run[activities.CreateLinkTokenResult](t, b, migrationlink.CreateLinkTokenActivity, activities.CreateLinkTokenInput{
		Target: target, Atlas: prod, Since: time.Now(), Deadline: time.Now().Add(300 * time.Millisecond),
	})
	require.NoError(t, err)
	require.NotEmpty(t, made.Sealed.Sealed)
}

func TestAnAttemptAfterOneThatVanishedIsInDoubt(t *testing.T) {
	t.Parallel()
	b := newBothSides(t, opsmanagertest.OrgSettings{})
	b.SetHeartbeatDetails(activities.TokenTrace{Lost: true})
	made, err := b.makeToken(t)
	require.NoError(t, err)
	require.True(t, made.InDoubt)
}

func TestALinkIsVerifiedOnceAtlasShowsAProjectOfItsSource(t *testing.T) {
	t.Parallel()
	b := newBothSides(t, opsmanagertest.OrgSettings{})
	_, err := b.verify(t)
	failed := requireType(t, err, migrationlink.ErrNotInAtlas)
	require.False(t, failed.NonRetryable())
	require.Equal(t, temporal.ApplicationErrorCategoryBenign, failed.Category())
	var problem migrationlink.Problem
	var progress migrationlink.Progress
	var seen activities.VerifyInAtlasResult
	require.NoError(t, failed.Details(&problem, &progress, &seen))
	require.Equal(t, activities.VerifyInAtlasResult{SourceProjects: 2, Polls: 1}, seen)
	require.Equal(t, 1, progress.Polls)
	require.False(t, progress.NextPollAt.IsZero())

	b.linked(t)
	found, err := b.verify(t)
	require.NoError(t, err)
	require.Len(t, found.ProjectIDs, 2)
	require.Equal(t, activities.VerifyInAtlasResult{SourceProjects: 2, AvailableProjects: 2, ProjectIDs: found.ProjectIDs, Polls: 1}, found)

	require.NoError(t, b.server.SetOrg(orgID, opsmanagertest.OrgSettings{Projects: new(0)}))
	found, err = b.verify(t)
	require.NoError(t, err, "there is nothing that Atlas could show")
	require.Equal(t, activities.VerifyInAtlasResult{Polls: 1}, found)
}

// foreign looks for a link of somebody else that Atlas should show by now, or in due.
func (b *bothSides) foreign(t *testing.T, due time.Duration) (activities.VerifyInAtlasResult, error) {
	t.Helper()
	return run[activities.VerifyInAtlasResult](t, b, migrationlink.VerifyInAtlasActivity, activities.VerifyInAtlasInput{
		Target: target, Atlas: prod, Since: time.Now(), Deadline: time.Now().Add(time.Minute), NotShownAt: time.Now().Add(due), Foreign: true,
	})
}

const anotherTargetOrgID = "6a1b2c3d4e5f6a7b8c9d0e2f"

func TestALinkOfSomebodyElseThatAtlasDoesNotShowIsTheWrongOne(t *testing.T) {
	t.Parallel()
	synced := opsmanagertest.OrgSettings{Linked: new(true), LinkedTo: anotherTargetOrgID}
	unsynced := synced
	unsynced.Sync = opsmanagertest.SyncNever
	late := opsmanagertest.OrgSettings{Linked: new(true), LinkedTo: targetOrgID, AvailableDelay: opsmanagertest.After(time.Hour)}
	answers := func(status int) opsmanagertest.Fault {
		return opsmanagertest.Fault{Kind: opsmanagertest.OtherError, Status: status, ErrorCode: "UNEXPECTED_ERROR", Operation: opsmanagertest.AvailableProjects}
	}
	for name, test := range map[string]struct {
		link       opsmanagertest.OrgSettings
		due        time.Duration
		fault      opsmanagertest.Fault
		errorType  string
		linkStatus string // that was read to conclude
	}{
		"linked elsewhere":        {link: synced, errorType: migrationlink.ErrWrongTarget, linkStatus: "SYNCED"},
		"shown far too late":      {link: late, errorType: migrationlink.ErrWrongTarget, linkStatus: "SYNCED"},
		"Atlas knows no link":     {link: synced, fault: answers(404), errorType: migrationlink.ErrWrongTarget, linkStatus: "SYNCED"},
		"it may be shown yet":     {link: synced, due: time.Minute, errorType: migrationlink.ErrNotInAtlas},
		"SYNCED no more":          {link: unsynced, errorType: migrationlink.ErrNotInAtlas, linkStatus: "NOT_SYNCED"},
		"removed":                 {link: opsmanagertest.OrgSettings{}, errorType: migrationlink.ErrNotInAtlas, linkStatus: migrationlink.LinkNone},
		"another refusal":         {link: synced, fault: answers(409), errorType: migrationlink.ErrNotInAtlas},
		"the status is not known": {link: synced, fault: opsmanagertest.Fault{Kind: opsmanagertest.Unavailable, Operation: opsmanagertest.ReadLinkStatus}, errorType: migrationlink.ErrManagerUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBothSides(t, opsmanagertest.OrgSettings{})
			require.NoError(t, b.server.SetOrg(orgID, test.link))
			if test.fault.Kind != "" {
				require.NoError(t, b.server.SetFaults(opsmanagertest.Faults{test.fault}))
			}
			_, err := b.foreign(t, test.due)
			failed := requireType(t, err, test.errorType)
			require.Equal(t, test.errorType == migrationlink.ErrWrongTarget, failed.NonRetryable())
			var problem migrationlink.Problem
			var progress migrationlink.Progress
			var seen activities.VerifyInAtlasResult
			require.NoError(t, failed.Details(&problem, &progress, &seen))
			require.Equal(t, test.linkStatus, seen.LinkStatus)
			require.Equal(t, 2, seen.SourceProjects)
			if test.errorType == migrationlink.ErrWrongTarget {
				require.Contains(t, problem.Message, "at least 45s after SYNCED was seen, organization "+targetOrgID+` of Atlas "prod" shows none of the 2 projects`)
				require.Contains(t, problem.Remedy, "does not report")
				require.Contains(t, problem.Remedy, "--if-linked")
			}
		})
	}
}

func TestALinkOfSomebodyElseThatAtlasShowsIsTheRightOne(t *testing.T) {
	t.Parallel()
	b := newBothSides(t, opsmanagertest.OrgSettings{})
	require.NoError(t, b.server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: new(true), LinkedTo: targetOrgID, Projects: new(300)}))
	seen, err := b.foreign(t, 0)
	require.NoError(t, err)
	require.Equal(t, 300, seen.AvailableProjects)
	require.Len(t, seen.ProjectIDs, migrationlink.MaxProjectIDs)
}

// What Atlas calls the projects comes from outside.
func TestOfTheProjectsInAtlasOnlyIdsAreKept(t *testing.T) {
	t.Parallel()
	b := newBothSides(t, opsmanagertest.OrgSettings{})
	require.NoError(t, b.server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: new(true), LinkedTo: targetOrgID}))
	const hostile = `\u001b[2J<script>\u202e`
	b.rewrite = func(reply string) string {
		twice := strings.TrimPrefix(strings.ReplaceAll(reply, `"name":"project `, `"name":"`+hostile), "[")
		return `[{"projectId":"` + hostile + `"},{"projectId":"` + strings.Repeat("a", 1<<16) + `"},` + strings.TrimSuffix(strings.TrimSpace(twice), "]") + "," + twice
	}
	seen, err := b.foreign(t, 0)
	require.NoError(t, err)
	require.Equal(t, 2, seen.AvailableProjects, "each counts once")
	require.Len(t, seen.ProjectIDs, 2)
	for _, id := range seen.ProjectIDs {
		require.Regexp(t, "^[a-f0-9]{24}$", id)
	}
}

// The manager says SYNCED before Atlas has heard of the link, and what Atlas says
// until then is not documented.
func TestALinkThatAtlasDoesNotKnowYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status    int
		code      string
		errorType string
	}{
		"none yet":         {404, "UNEXPECTED_ERROR", migrationlink.ErrNotInAtlas},
		"a conflict":       {409, "UNEXPECTED_ERROR", migrationlink.ErrNotInAtlas},
		"a bad request":    {400, "UNEXPECTED_ERROR", migrationlink.ErrNotInAtlas},
		"no organization":  {404, "ORG_NOT_FOUND", migrationlink.ErrOrgNotFound},
		"not one of Atlas": {404, "NOT_ATLAS_ORG", migrationlink.ErrWrongAPI},
		"another server":   {404, "", migrationlink.ErrWrongAPI},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBothSides(t, opsmanagertest.OrgSettings{})
			b.linked(t)
			require.NoError(t, b.server.SetFaults(opsmanagertest.Faults{{
				Kind: opsmanagertest.OtherError, Status: test.status, ErrorCode: test.code,
				Detail: "Could not find the requested external organization link.", Operation: opsmanagertest.AvailableProjects,
			}}))
			_, err := b.verify(t)
			failed := requireType(t, err, test.errorType)
			require.Equal(t, test.errorType != migrationlink.ErrNotInAtlas, failed.NonRetryable())
			require.Contains(t, failed.Message(), "Could not find", "what Atlas says is said")
		})
	}
}

func TestTheLinkTokenIsDeletedOnlyWithoutALink(t *testing.T) {
	t.Parallel()
	b := newBothSides(t, opsmanagertest.OrgSettings{})
	b.linked(t)
	gone, err := b.deleteToken(t)
	require.NoError(t, err)
	require.Equal(t, activities.DeleteLinkTokenResult{Kept: true}, gone)
	require.Zero(t, b.atlas().Deletes)

	require.NoError(t, b.server.SetOrg(orgID, opsmanagertest.OrgSettings{Linked: new(false)}))
	gone, err = b.deleteToken(t)
	require.NoError(t, err)
	require.Equal(t, activities.DeleteLinkTokenResult{Deleted: true}, gone)
	gone, err = b.deleteToken(t)
	require.NoError(t, err, "there is none")
	require.Equal(t, activities.DeleteLinkTokenResult{}, gone)
}

func TestALostDeletionOfALinkTokenIsReportedByTheNextAttempt(t *testing.T) {
	t.Parallel()
	b := newBothSides(t, opsmanagertest.OrgSettings{}, opsmanagertest.Fault{Kind: opsmanagertest.LostReply, Operation: opsmanagertest.DeleteLinkToken, Count: 1})
	_, err := b.makeToken(t)
	require.NoError(t, err)
	_, err = b.deleteToken(t)
	require.False(t, requireType(t, err, migrationlink.ErrAtlasUnavailable).NonRetryable())
	b.SetHeartbeatDetails(b.marks[len(b.marks)-1])
	gone, err := b.deleteToken(t)
	require.NoError(t, err)
	require.True(t, gone.Deleted)
	require.Equal(t, 1, b.atlas().LinkTokensDeleted)
	b.SetHeartbeatDetails(nil)
	gone, err = run[activities.DeleteLinkTokenResult](t, b, migrationlink.DeleteLinkTokenActivity, activities.DeleteLinkTokenInput{
		Target: target, Atlas: prod, Known: true, Lost: true, Since: time.Now(), Deadline: time.Now().Add(time.Minute),
	})
	require.NoError(t, err)
	require.True(t, gone.Deleted, "an earlier activity has sent a deletion without a reply")
}

// Every activity, with servers that repeat whatever they hear.
func TestNoActivityRevealsASecret(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"plain", "base64", "base64url", "hex", "url", "json"} {
		for _, status := range []int{0, 401, 500} {
			t.Run(fmt.Sprint(form, " ", status), func(t *testing.T) {
				t.Parallel()
				b := newBothSides(t, opsmanagertest.OrgSettings{EchoToken: new(true)})
				made, err := b.makeToken(t)
				require.NoError(t, err)
				require.NoError(t, b.server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.Echo, Form: form, Status: status}}))
				var told strings.Builder
				tell := func(result any, err error) {
					text, marshalErr := json.Marshal(result)
					require.NoError(t, marshalErr)
					fmt.Fprintf(&told, "%s %v %+v\n", text, err, err)
					if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
						var problem migrationlink.Problem
						require.NoError(t, failed.Details(&problem))
						fmt.Fprintf(&told, "%+v\n", problem)
					}
				}
				tell(b.makeToken(t))
				tell(b.verify(t))
				tell(b.deleteToken(t))
				require.NoError(t, b.server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.Echo, Form: form, Status: status, Operation: opsmanagertest.CreateLink}}))
				tell(b.create(t, made.Sealed))
				tell(b.create(t, migrationlink.TokenSource{Ref: "file:token"}))
				require.NotEmpty(t, b.issued)
				for _, secret := range append(b.issued, "canary-link-token", opsmanagertest.DefaultPrivateKey, opsmanagertest.DefaultAtlasPrivateKey) {
					require.Equal(t, told.String(), redact.Remove(told.String(), redact.NewSecret(secret)))
				}
			})
		}
	}
}
