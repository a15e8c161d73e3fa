package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

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
	require.Equal(t, "the worker opens what is sealed to "+testRecipient+" or "+long.Short()+"; compare it with what 'starter keygen' printed before you set MIGRATIONLINK_RECIPIENT", unset.Detail)
	require.Equal(t, []string{testRecipient, long.String()}, unset.Names)
	require.True(t, look(testRecipient+" ", other.String(), testRecipient).OK, "before or after a rotation")

	wrong := look(testRecipient, other.String())
	require.False(t, wrong.OK || wrong.Skipped)
	require.Equal(t, "MIGRATIONLINK_RECIPIENT is "+testRecipient+", and the worker opens only what is sealed to "+other.String(), wrong.Detail)
	require.Contains(t, wrong.Remedy, "tokens.identities")
	require.Contains(t, wrong.Remedy, "starter keygen")
	wrong = look(testRecipient)
	require.False(t, wrong.OK || wrong.Skipped)
	require.Contains(t, wrong.Remedy, "tokens.identities")
	for _, secret := range []string{testIdentity, canary} {
		wrong = look(secret, testRecipient)
		require.False(t, wrong.OK || wrong.Skipped)
		require.NotContains(t, wrong.Detail+wrong.Remedy, secret)
		require.Contains(t, wrong.Remedy, "as 'starter keygen' has printed it")
		require.NotContains(t, wrong.Remedy, testRecipient, "anybody who runs a worker could name it")
	}
}
