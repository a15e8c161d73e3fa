package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// The identity of the workers is rotated as docs/how-to/rotate-secrets.md says, without a restart,
// while a hundred links wait whose link-tokens are sealed to the old one.
func TestAnIdentityIsRotatedWhileAHundredSealedLinksWait(t *testing.T) {
	oneAtATime(t)
	const links = 100
	s := newSystem(t)
	dir := t.TempDir()
	older, newer := newIdentity(t, filepath.Join(dir, "older")), newIdentity(t, filepath.Join(dir, "newer"))
	configuration := func(identities string) string {
		return fmt.Sprintf("[tokens]\nidentities = [%s]\n[managers.demo]\nbase_url = %q\npublic_key = \"env:DEMO_PUBLIC_KEY\"\nprivate_key = \"env:DEMO_PRIVATE_KEY\"\n",
			identities, s.simulator)
	}
	old, both := fmt.Sprintf("%q", "file:"+dir+"/older"), fmt.Sprintf("%q, %q", "file:"+dir+"/newer", "file:"+dir+"/older")
	worker, file := s.workerFrom(configuration(old))

	// The manager is down, so that all links wait before they open, or reopen, their
	// link-tokens.
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.Unavailable})
	var runs []client.WorkflowRun
	begin := func(recipient age.Recipient, n int) {
		for range n {
			org := newOrg()
			sealed := sealTo(t, recipient, org, "link-token-of-"+org)
			runs = append(runs, s.begin(org, func(r *migrationlink.LinkRequest) { r.Token = migrationlink.TokenSource{Sealed: sealed} }))
		}
	}
	begin(older.Recipient(), links)
	for _, run := range runs {
		s.within(2*time.Minute, func() bool { return s.status(run).Problem != nil })
	}

	reload := func(identities string) {
		before := worker.output.count("configuration reloaded")
		require.NoError(t, os.WriteFile(file, []byte(configuration(identities)), 0o600))
		s.eventually(func() bool { return worker.output.count("configuration reloaded") > before })
	}
	reload(both)
	begin(newer.Recipient(), 10)
	s.control(http.MethodPut, "/simulator/faults", map[string]any{"faults": []any{}}, nil)
	for _, run := range runs {
		var result migrationlink.LinkResult
		require.NoError(t, run.Get(t.Context(), &result))
		require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
		require.Equal(t, 1, s.evidence(result.OrgID).EffectivePosts)
	}

	// The old identity is removed. A link whose token is still sealed to it waits for a
	// person, who seals it to the new one.
	reload(fmt.Sprintf("%q", "file:"+dir+"/newer"))
	org := newOrg()
	run := s.begin(org, func(r *migrationlink.LinkRequest) {
		r.Token, r.OnBlocked = migrationlink.TokenSource{Sealed: sealTo(t, older.Recipient(), org, "token")}, migrationlink.WaitWhenBlocked
	})
	s.waitForPhase(run, migrationlink.PhaseBlocked)
	problem := s.status(run).Problem
	require.Equal(t, migrationlink.ErrTokenNotOpened, problem.Type)
	require.Contains(t, problem.Message, newer.Recipient().String(), "it says to whom to seal")
	again := migrationlink.TokenSource{Sealed: sealTo(t, newer.Recipient(), org, "token")}
	require.NoError(t, s.temporal.SignalWorkflow(t.Context(), run.GetID(), "", migrationlink.RetrySignal, migrationlink.RetryRequest{Token: &again}))
	require.NoError(t, run.Get(t.Context(), nil))
}

// newIdentity returns an identity as age-keygen writes it.
func newIdentity(t *testing.T, file string) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	content := "# created: " + time.Now().Format(time.RFC3339) + "\n# public key: " + identity.Recipient().String() + "\n" + identity.String() + "\n"
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return identity
}
