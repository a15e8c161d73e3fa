package opsmanager_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

// simulated returns a client of a simulated manager.
func simulated(t *testing.T, options opsmanagertest.Options) (*opsmanager.Client, *opsmanagertest.Server) {
	t.Helper()
	server := opsmanagertest.NewServer(options)
	t.Cleanup(server.Close)
	return newClient(t, opsmanager.Config{
		BaseURL:    server.URL,
		PublicKey:  opsmanagertest.DefaultPublicKey,
		PrivateKey: redact.NewSecret(opsmanagertest.DefaultPrivateKey),
	}), server
}

func TestThreeThousandConcurrentCallsGetNoWrong401(t *testing.T) {
	t.Parallel()
	const calls, atOnce = 3000, 32
	for name, test := range map[string]struct {
		lifetime    time.Duration
		maxRequests float64 // for each call
	}{
		"nonces of 1 s":  {time.Second, 2},
		"nonces of 60 s": {time.Minute, 1.05},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := simulated(t, opsmanagertest.Options{StrictNonceCount: true, NonceLifetime: test.lifetime})
			var wrong, next atomic.Int64
			var workers sync.WaitGroup
			for range atOnce {
				workers.Go(func() {
					for n := next.Add(1); n <= calls; n = next.Add(1) {
						if err := anyCall(t.Context(), client, n); err != nil {
							wrong.Add(1)
							t.Log(err)
						}
					}
				})
			}
			workers.Wait()
			totals := server.State().Totals
			t.Logf("%d calls, %d at once: %d requests, %d connections, %d challenges", calls, atOnce, totals.Requests, totals.Connections, totals.Challenges)
			require.Zero(t, wrong.Load())
			require.LessOrEqual(t, totals.Connections, 50)
			require.LessOrEqual(t, float64(totals.Requests)/calls, test.maxRequests)
			require.Zero(t, totals.PostsFirstOnConnection)
			require.Zero(t, totals.BodiesWithoutCredentials)
		})
	}
}

// anyCall makes one of the three calls, each for an organization of its own.
func anyCall(ctx context.Context, client *opsmanager.Client, n int64) error {
	org := fmt.Sprintf("%024x", n/3)
	var err error
	switch n % 3 {
	case 0:
		_, err = client.LinkStatus(ctx, org)
	case 1:
		_, err = client.CreateLink(ctx, org, redact.NewSecret(canary), nil)
	case 2:
		err = client.DeleteLink(ctx, org)
	}
	var apiError *opsmanager.Error
	if opsmanager.NoLink(err) || errors.As(err, &apiError) && apiError.StatusCode == 409 {
		return nil // they race with each other
	}
	return err
}

func TestAWrongKeyIsDistinguishedFromABadNonce(t *testing.T) {
	t.Parallel()
	server := opsmanagertest.NewServer(opsmanagertest.Options{})
	t.Cleanup(server.Close)
	client := newClient(t, opsmanager.Config{BaseURL: server.URL, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret("wrong")})
	_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
	var apiError *opsmanager.Error
	require.ErrorAs(t, err, &apiError)
	require.Equal(t, 401, apiError.StatusCode)
	require.False(t, opsmanager.MayHaveTakenEffect(err))
	totals := server.State().Totals
	require.Zero(t, totals.BodiesWithoutCredentials)
	require.LessOrEqual(t, totals.Requests, 12, "bounded")
}

func TestStaleNoncesAreReplacedWithoutTheCallerNoticing(t *testing.T) {
	t.Parallel()
	client, server := simulated(t, opsmanagertest.Options{})
	for _, count := range []int{1, 3, 6} {
		require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.StaleNonce, Count: count}}))
		_, err := client.CreateLink(t.Context(), fmt.Sprintf("%024x", count), redact.NewSecret(canary), nil)
		require.NoError(t, err, "%d times", count)
	}
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.StaleNonce}}))
	_, err := client.LinkStatus(t.Context(), orgID)
	var transportError *opsmanager.TransportError
	require.ErrorAs(t, err, &transportError, "it says nothing about the key")
}

func TestTheStrongestAlgorithmIsChosen(t *testing.T) {
	t.Parallel()
	for _, algorithms := range [][]string{{"MD5"}, {"SHA-256"}, {"MD5", "SHA-256"}, {"SHA-256", "MD5"}} {
		t.Run(fmt.Sprint(algorithms), func(t *testing.T) {
			t.Parallel()
			client, _ := simulated(t, opsmanagertest.Options{Algorithms: algorithms, StrictNonceCount: true})
			_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
			require.NoError(t, err)
			status, err := client.LinkStatus(t.Context(), orgID)
			require.NoError(t, err)
			require.Equal(t, opsmanager.StatusSynced, status)
			require.NoError(t, client.DeleteLink(t.Context(), orgID))
			_, err = client.LinkStatus(t.Context(), orgID)
			require.True(t, opsmanager.NoLink(err))
		})
	}
}
