package migrationlink_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
)

const sealed = "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBB\n-----END AGE ENCRYPTED FILE-----\n"

func TestALinkTokenHasOneSourceAndEachBadPartIsNamed(t *testing.T) {
	t.Parallel()
	fingerprint := migrationlink.TokenFingerprint("demo", "5f1b2c3d4e5f6a7b8c9d0e1f", "token")
	atlas := func(change func(*migrationlink.AtlasToken)) *migrationlink.AtlasToken {
		token := &migrationlink.AtlasToken{Name: "prod", OrgID: "6a1b2c3d4e5f6a7b8c9d0e1f", AccessListIPs: []string{"203.0.113.7", "2001:db8::/32"}}
		if change != nil {
			change(token)
		}
		return token
	}
	for name, test := range map[string]struct {
		token migrationlink.TokenSource
		bad   string // field: part of the problem
	}{
		"reference":               {migrationlink.TokenSource{Ref: "file:a"}, ""},
		"sealed":                  {migrationlink.TokenSource{Sealed: sealed}, ""},
		"sealed, Windows":         {migrationlink.TokenSource{Sealed: strings.ReplaceAll(sealed, "\n", "\r\n")}, ""},
		"sealed, fingerprint":     {migrationlink.TokenSource{Sealed: sealed, Fingerprint: fingerprint}, ""},
		"atlas":                   {migrationlink.TokenSource{Atlas: atlas(nil)}, ""},
		"atlas, no addresses":     {migrationlink.TokenSource{Atlas: atlas(func(a *migrationlink.AtlasToken) { a.AccessListIPs = nil })}, ""},
		"nothing":                 {migrationlink.TokenSource{}, "token.ref: a source of the link-token is missing"},
		"two":                     {migrationlink.TokenSource{Ref: "file:a", Sealed: sealed}, "token: more than one source"},
		"token in place of it":    {migrationlink.TokenSource{Sealed: strings.Repeat("canary", 32)}, "token.sealed: not an armoured age file (a link-token itself is never accepted)"},
		"token between the lines": {migrationlink.TokenSource{Sealed: strings.Replace(sealed, "YWdl", "canary_canary-", 1)}, "token.sealed: damaged"},
		"cut off":                 {migrationlink.TokenSource{Sealed: sealed[:60]}, "token.sealed: not an armoured age file"},
		"huge":                    {migrationlink.TokenSource{Sealed: sealed + strings.Repeat("\n", 17<<10)}, "token.sealed: longer than 16 KiB"},
		"fingerprint of nothing":  {migrationlink.TokenSource{Ref: "file:a", Fingerprint: fingerprint}, "token.fingerprint: belongs to a sealed link-token"},
		"token as fingerprint":    {migrationlink.TokenSource{Sealed: sealed, Fingerprint: strings.Repeat("canary", 32)}, "token.fingerprint: not a fingerprint"},
		"atlas name":              {migrationlink.TokenSource{Atlas: atlas(func(a *migrationlink.AtlasToken) { a.Name = "Prod" })}, `token.atlas.name: "Prod" is an invalid Atlas name`},
		"atlas organization":      {migrationlink.TokenSource{Atlas: atlas(func(a *migrationlink.AtlasToken) { a.OrgID = "" })}, "token.atlas.orgId: "},
		"atlas address":           {migrationlink.TokenSource{Atlas: atlas(func(a *migrationlink.AtlasToken) { a.AccessListIPs[1] = "10.0.0.0/33" })}, `token.atlas.accessListIps[1]: "10.0.0.0/33" is neither`},
		"many atlas addresses":    {migrationlink.TokenSource{Atlas: atlas(func(a *migrationlink.AtlasToken) { a.AccessListIPs = make([]string, 201) })}, "token.atlas.accessListIps: 201 addresses are too many"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := valid()
			request.Token = test.token
			err := request.Validate()
			require.Equal(t, test.token.Validate() == nil, err == nil)
			if test.bad == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.bad)
			require.NotContains(t, err.Error(), "canary")
		})
	}
}

func TestWhatIsDoneInAtlasNeedsALinkTokenThatIsMadeThere(t *testing.T) {
	t.Parallel()
	request := valid()
	request.VerifyInAtlas, request.DeleteTokenOnUndo = true, true
	var invalid *migrationlink.ValidationError
	require.True(t, errors.As(request.Validate(), &invalid))
	require.Len(t, invalid.Problems, 2)
	require.Equal(t, "verifyInAtlas", invalid.Problems[0].Field)
	require.Equal(t, "deleteTokenOnUndo", invalid.Problems[1].Field)

	request.Token = migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: request.OrgID}}
	require.NoError(t, request.Validate())
}

func TestTwoSealedLinkTokensAreEqualByTheirFingerprintOnly(t *testing.T) {
	t.Parallel()
	with := func(token migrationlink.TokenSource) migrationlink.StartRequest {
		request := valid()
		request.Token = token
		return migrationlink.StartRequest{Link: &request}
	}
	again := strings.Replace(sealed, "YWdl", "YWdm", 1) // what is sealed twice differs
	one := migrationlink.TokenFingerprint("demo", "5f1b2c3d4e5f6a7b8c9d0e1f", "one")
	two := migrationlink.TokenFingerprint("demo", "5f1b2c3d4e5f6a7b8c9d0e1f", "two")
	running := with(migrationlink.TokenSource{Sealed: sealed, Fingerprint: one})

	require.Empty(t, running.Difference(with(migrationlink.TokenSource{Sealed: again, Fingerprint: one})))
	require.Equal(t, []migrationlink.FieldProblem{
		{Field: "token.sealed", Problem: "running link: fingerprint " + one + "; your request: fingerprint " + two},
	}, running.Difference(with(migrationlink.TokenSource{Sealed: again, Fingerprint: two})))
	require.Len(t, with(migrationlink.TokenSource{Sealed: sealed}).Difference(with(migrationlink.TokenSource{Sealed: again})), 1)
	require.Empty(t, with(migrationlink.TokenSource{Sealed: sealed}).Difference(with(migrationlink.TokenSource{Sealed: sealed})))
	require.Empty(t, with(migrationlink.TokenSource{Sealed: sealed}).Difference(running), "the very same ciphertext, with and without it")
	require.NotContains(t, running.Details(), "YWdl", "the story shows no ciphertext")

	atlas := func(ips ...string) migrationlink.StartRequest {
		return with(migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{Name: "prod", OrgID: "6a1b2c3d4e5f6a7b8c9d0e1f", AccessListIPs: ips}})
	}
	require.Empty(t, atlas("10.0.0.1", "10.0.0.2").Difference(atlas("10.0.0.2", "10.0.0.1")), "in any order")
	require.Len(t, atlas("10.0.0.1").Difference(atlas("10.0.0.2")), 1)
}

// Other programs compute fingerprints, too, for example with
// printf 'demo\n5f1b2c3d4e5f6a7b8c9d0e1f\ntoken' | sha256sum | cut -c1-32.
func TestTheFingerprintIsWhatItsDescriptionSays(t *testing.T) {
	t.Parallel()
	require.Equal(t, "6866ffa1f96498a42aa4d769de75099d", migrationlink.TokenFingerprint("demo", "5f1b2c3d4e5f6a7b8c9d0e1f", "token"))
}

func TestAnAddressOfAnAccessListHasNoZone(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"eth0", "1", strings.Repeat("z", 60_000)} {
		request := valid()
		request.Token = migrationlink.TokenSource{Atlas: &migrationlink.AtlasToken{
			Name: "prod", OrgID: request.OrgID, AccessListIPs: []string{"2001:db8::/32", "fe80::1%" + zone},
		}}
		var invalid *migrationlink.ValidationError
		require.ErrorAs(t, request.Validate(), &invalid)
		require.Len(t, invalid.Problems, 1)
		require.Equal(t, "token.atlas.accessListIps[1]", invalid.Problems[0].Field)
		require.Contains(t, invalid.Problems[0].Problem, "has a zone")
		require.Contains(t, invalid.Problems[0].Problem, "leave out the %")
		require.Less(t, len(invalid.Error()), 300)
	}
}
