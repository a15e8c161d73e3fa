package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seal"
)

func TestDoctorComparesTheRecipientWithThoseOfTheWorkers(t *testing.T) {
	t.Parallel()
	_, other, err := seal.GenerateIdentity(false)
	require.NoError(t, err)
	_, long, err := seal.GenerateIdentity(true)
	require.NoError(t, err)
	look := func(mine string, recipients ...string) check {
		d := doctor{app: &app{env: Environment{LookupEnv: func(name string) (string, bool) {
			require.Equal(t, "MIGRATIONLINK_RECIPIENT", name)
			return mine, mine != ""
		}}}}
		return d.checkSealing(recipients)
	}
	require.True(t, look("").Skipped)
	unset := look("", testRecipient, long.String())
	require.True(t, unset.OK)
	require.Equal(t, "the worker opens what is sealed to "+testRecipient+" or "+long.Short()+"; MIGRATIONLINK_RECIPIENT is not set", unset.Detail)
	require.Equal(t, []string{testRecipient, long.String()}, unset.Names)
	require.True(t, look(testRecipient+" ", other.String(), testRecipient).OK, "before or after a rotation")

	wrong := look(testRecipient, other.String())
	require.False(t, wrong.OK || wrong.Skipped)
	require.Equal(t, "MIGRATIONLINK_RECIPIENT is "+testRecipient+", and the worker opens only what is sealed to "+other.String(), wrong.Detail)
	require.Contains(t, wrong.Remedy, "tokens.identities")
	wrong = look(testRecipient)
	require.False(t, wrong.OK || wrong.Skipped)
	require.Contains(t, wrong.Remedy, "tokens.identities")
	for _, secret := range []string{testIdentity, canary} {
		wrong = look(secret, testRecipient)
		require.False(t, wrong.OK || wrong.Skipped)
		require.NotContains(t, wrong.Detail+wrong.Remedy, secret)
		require.Contains(t, wrong.Remedy, testRecipient)
	}
}

func TestDoctorShowsTheAtlasThatAWorkerKnows(t *testing.T) {
	t.Parallel()
	known := knownAtlas(migrationlink.Inspection{Atlas: []string{"prod", "test"}})
	require.True(t, known.OK)
	require.Equal(t, "prod, test", known.Detail)
	require.True(t, knownAtlas(migrationlink.Inspection{}).Skipped)
}
