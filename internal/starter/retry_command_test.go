package starter

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/console"
)

// blockedBy is a link that waits for a person because of its link-token.
func blockedBy(t *testing.T, asked migrationlink.TokenSource, problem migrationlink.Problem) *fakeTemporal {
	t.Helper()
	f := newFakeTemporal(t).running()
	f.asked = migrationlink.LinkRequest{Manager: "demo", OrgID: testOrg, Token: asked, OnBlocked: migrationlink.WaitWhenBlocked}
	f.status = blockedStatus()
	f.status.Problem = &problem
	return f
}

func TestTheRetryCommandAsksForAnotherLinkTokenOnlyWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	sealed := migrationlink.TokenSource{Sealed: sealing(nil, canary).run(t.Context(), args("seal")...).stdout}
	ref := migrationlink.TokenSource{Ref: "file:demo"}
	made := migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: org(7)}}
	for name, test := range map[string]struct {
		asked   migrationlink.TokenSource
		problem migrationlink.Problem
		another bool
	}{
		"sealed, not opened":   {sealed, migrationlink.Problem{Type: migrationlink.ErrTokenNotOpened, Message: "damaged"}, true},
		"sealed, rejected":     {sealed, migrationlink.Problem{Type: migrationlink.ErrTokenRejected, Message: "400"}, true},
		"sealed, wrong key":    {sealed, *refusal, false},
		"sealed, no identity":  {sealed, migrationlink.Problem{Type: migrationlink.ErrTokenNotOpened, Code: migrationlink.CodeNoIdentities, Message: "no identities"}, false},
		"reference, not there": {ref, migrationlink.Problem{Type: migrationlink.ErrTokenUnavailable, Message: "not there"}, false},
		"reference, rejected":  {ref, migrationlink.Problem{Type: migrationlink.ErrTokenRejected, Message: "400"}, false},
		"made, rejected":       {made, migrationlink.Problem{Type: migrationlink.ErrTokenRejected, Message: "400"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := blockedBy(t, test.asked, test.problem)
			want := "starter retry --manager demo --org " + testOrg
			if test.another {
				want += " --token-stdin"
			}
			require.Contains(t, newCommand(f).run(t.Context(), args("status")...).stdout, "\nthen          "+want+"\n")
			ctx, interrupt := context.WithCancel(t.Context())
			f.onDescribe = after(3, interrupt) // the second is shown
			require.Contains(t, newCommand(f).run(ctx, args("status", "--watch")...).stderr, " Then: "+want+"\n")
		})
	}
}

func TestDetachFromABlockedLinkNamesTheCommandForAnotherLinkToken(t *testing.T) {
	t.Parallel()
	file := fileWith(t, sealing(nil, canary).run(t.Context(), args("seal", "-o", "json")...).stdout)
	source, err := (&app{}).readSealed(t.Context(), console.Input{Flag: "sealed-token-file", File: file})
	require.NoError(t, err)
	f := blockedBy(t, source, migrationlink.Problem{Type: migrationlink.ErrTokenRejected, Message: "400"})
	f.answers[migrationlink.AcceptUpdate] = *f.status
	done := newCommand(f).run(t.Context(), args("link", "--detach", "--on-blocked", "wait", "--sealed-token-file", file)...)
	require.Contains(t, done.stdout, "Then: starter retry --manager demo --org "+testOrg+" --token-stdin\n")
}

func TestTheRetryCommandConsidersTheLinkTokenOfTheLastRetry(t *testing.T) {
	t.Parallel()
	rejected := migrationlink.Problem{Type: migrationlink.ErrTokenRejected, Message: "400"}
	f := blockedBy(t, migrationlink.TokenSource{Ref: "file:demo"}, rejected)
	retry := func(flags ...string) string {
		require.Equal(t, console.ExitOK, sealing(f, canary).run(t.Context(), args("retry", flags...)...).code)
		return newCommand(f).run(t.Context(), args("status")...).stdout
	}
	const plain = "then          starter retry --manager demo --org " + testOrg
	require.Contains(t, retry("--token-stdin"), plain+" --token-stdin\n")
	require.Contains(t, retry(), plain+" --token-stdin\n", "it stays")
	require.Contains(t, retry("--token-ref", "file:another"), plain+"\n")
}

func TestStatusShowsTheSourceOfTheLinkToken(t *testing.T) {
	t.Parallel()
	for want, source := range map[string]migrationlink.TokenSource{
		"\nlink-token    file:demo\n": {Ref: "file:demo"},
		"\nlink-token    from Atlas \"prod\", for its organization " + org(7) + "\n": {Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: org(7)}},
		"\nlink-token    sealed\n": {Sealed: sealing(nil, canary).run(t.Context(), args("seal")...).stdout},
	} {
		done := newCommand(blockedBy(t, source, *refusal)).run(t.Context(), args("status")...)
		require.Contains(t, done.stdout, want)
	}
	done := newCommand(blockedBy(t, migrationlink.TokenSource{Ref: canary}, *refusal)).run(t.Context(), args("status")...)
	require.NotContains(t, done.stdout, canary, "it was put where it does not belong")
	require.Contains(t, done.stdout, "BLOCKED")
}

func TestAnUnverifiedLinkIsReportedAsUnverified(t *testing.T) {
	t.Parallel()
	const says = "; not verified in Atlas, because the organization has no project that Atlas could show"
	source := migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: org(7)}}
	for want, result := range map[bool]migrationlink.LinkResult{true: linked(), false: verifiedResult()} {
		f := newFakeTemporal(t).ends(result, nil)
		f.asked = migrationlink.LinkRequest{Manager: "demo", OrgID: testOrg, Token: source, VerifyInAtlas: true}
		for _, command := range [][]string{
			args("status"), args("status", "--watch"),
			args("link", "--atlas", "prod", "--atlas-org", org(7), "--verify-in-atlas"),
		} {
			done := newCommand(f).run(t.Context(), command...)
			require.Equal(t, console.ExitOK, done.code, done.stderr)
			require.Equal(t, want, strings.Contains(done.stdout, says), "%v: %s", command, done.stdout)
		}
	}
}
