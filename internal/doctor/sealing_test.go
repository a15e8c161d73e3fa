package doctor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/seal"
)

func TestDoctorComparesTheRecipientWithThoseOfTheWorkers(t *testing.T) {
	t.Parallel()
	_, other, err := seal.GenerateIdentity(false)
	require.NoError(t, err)
	_, long, err := seal.GenerateIdentity(true)
	require.NoError(t, err)
	look := func(mine string, recipients ...string) Check {
		d := doctor{given: Request{Recipient: "MIGRATIONLINK_RECIPIENT"}, Console: &console.Console{Env: console.Environment{LookupEnv: func(name string) (string, bool) {
			require.Equal(t, "MIGRATIONLINK_RECIPIENT", name)
			return mine, mine != ""
		}}}}
		return d.checkSealing(recipients)
	}
	require.True(t, look("").Skipped)
	unset := look("", testRecipient, long.String())
	require.True(t, unset.OK)
	require.Equal(t, "the worker opens link-tokens sealed to "+testRecipient+" or "+long.Short()+"; before you set MIGRATIONLINK_RECIPIENT, compare that with the output of 'starter keygen'", unset.Detail)
	require.Equal(t, []string{testRecipient, long.String()}, unset.Names)
	require.True(t, look(testRecipient+" ", other.String(), testRecipient).OK, "before or after a rotation")

	wrong := look(testRecipient, other.String())
	require.False(t, wrong.OK || wrong.Skipped)
	require.Equal(t, "MIGRATIONLINK_RECIPIENT is "+testRecipient+", but the worker opens only link-tokens sealed to "+other.String(), wrong.Detail)
	require.Contains(t, wrong.Remedy, "tokens.identities")
	require.Contains(t, wrong.Remedy, "starter keygen")
	wrong = look(testRecipient)
	require.False(t, wrong.OK || wrong.Skipped)
	require.Contains(t, wrong.Remedy, "tokens.identities")
	for _, secret := range []string{testIdentity, canary} {
		wrong = look(secret, testRecipient)
		require.False(t, wrong.OK || wrong.Skipped)
		require.NotContains(t, wrong.Detail+wrong.Remedy, secret)
		require.Contains(t, wrong.Remedy, "as 'starter keygen' printed it")
		require.NotContains(t, wrong.Remedy, testRecipient, "anybody who runs a worker could name it")
	}
}
