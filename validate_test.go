package migrationlink_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
)

func valid() migrationlink.LinkRequest {
	return migrationlink.LinkRequest{
		Manager: "demo",
		OrgID:   "5f1b2c3d4e5f6a7b8c9d0e1f",
		Token:   migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"},
	}
}

func TestARequestNeedsThreeFields(t *testing.T) {
	t.Parallel()
	require.NoError(t, valid().Validate())
	require.NoError(t, valid().WithDefaults().Validate())
}

func TestEveryBadFieldIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	err := migrationlink.LinkRequest{
		Manager: "No", OrgID: "x", Token: migrationlink.TokenSource{Ref: "env:PATH"},
		Undo: "maybe", CreateTimeout: "0s", SyncTimeout: "five minutes", SettleTime: "-1s",
	}.Validate()
	var invalid *migrationlink.ValidationError
	require.True(t, errors.As(err, &invalid))
	var fields []string
	for _, problem := range invalid.Problems {
		fields = append(fields, problem.Field)
	}
	require.Equal(t, []string{"manager", "orgId", "token.ref", "undo", "createTimeout", "syncTimeout", "settleTime"}, fields)
}

func TestTokenReferences(t *testing.T) {
	t.Parallel()
	for ref, good := range map[string]bool{
		"env:LINK_TOKEN_A":                   true,
		"env:LINK_TOKEN_A_1":                 true,
		"file:acme":                          true,
		"file:team/acme.token":               true,
		"file:..data/acme":                   true, // a name of its own, as mounted secrets have
		"":                                   false,
		"env:":                               false,
		"env:LINK_TOKEN_":                    false,
		"env:HOME":                           false,
		"env:LINK_TOKEN_a":                   false,
		"env:LINK_TOKEN_A\n":                 false,
		"file:":                              false,
		"file:" + strings.Repeat("Ab1+", 48): false, // a link-token
		"env:LINK_TOKEN_" + strings.Repeat("AB1_", 48): false,
		"file:.":                 false,
		"file:..":                false,
		"file:../acme":           false,
		"file:a/../../acme":      false,
		"file:a/../b":            false,
		"file:/etc/passwd":       false,
		"file:a\\..\\b":          false,
		"file:a\x00b":            false,
		"vault:acme":             false,
		strings.Repeat("a", 192): false,
	} {
		request := valid()
		request.Token.Ref = ref
		err := request.Validate()
		require.Equal(t, good, err == nil, "%q: %v", ref, err)
		if len(ref) > 20 && err != nil {
			require.NotContains(t, err.Error(), ref, "it may be the token")
		}
	}
}

func TestASecretInTheWrongFieldIsNotRepeated(t *testing.T) {
	t.Parallel()
	canary := strings.Repeat("canary", 32)
	err := migrationlink.LinkRequest{
		Manager: canary, OrgID: canary, Token: migrationlink.TokenSource{Ref: canary},
		Undo: migrationlink.UndoPolicy(canary), SyncTimeout: migrationlink.Duration(canary),
	}.Validate()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "canary")
}

func TestTheNamesThatCallersShare(t *testing.T) {
	t.Parallel()
	require.Equal(t, "link.demo.5f1b2c3d4e5f6a7b8c9d0e1f", migrationlink.WorkflowID("demo", "5f1b2c3d4e5f6a7b8c9d0e1f"))
	require.Equal(t, "migration-link.demo", migrationlink.ManagerTaskQueue("demo"))
}

func TestTextsOfPeopleAreBoundedAndNotRepeated(t *testing.T) {
	t.Parallel()
	name := func(n int) string { return strings.Repeat("é", n) }
	until := time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)
	extend := func(by string) error {
		_, err := migrationlink.ExtendRequest{Until: until, RequestedBy: by}.NewDeadline(until.Add(-time.Hour), until.Add(-time.Minute), until)
		return err
	}
	unlink := func(reason string) error {
		return migrationlink.UnlinkRequest{Manager: "demo", OrgID: valid().OrgID, Reason: reason}.Validate()
	}
	for field, test := range map[string]struct {
		most  int
		check func(string) error
	}{
		"requestedBy of a retry":      {migrationlink.MaxRequestedBy, func(by string) error { return migrationlink.RetryRequest{RequestedBy: by}.Validate() }},
		"requestedBy of an extension": {migrationlink.MaxRequestedBy, extend},
		"reason of an unlink":         {migrationlink.MaxReason, unlink},
	} {
		require.NoError(t, test.check(""), field)
		require.NoError(t, test.check(name(test.most)), field)
		err := test.check(name(test.most + 1))
		named, _, _ := strings.Cut(field, " ")
		require.ErrorContains(t, err, named+": a text of ", field)
		require.NotContains(t, err.Error(), "éé")
	}
}
