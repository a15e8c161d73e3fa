package opsmanager_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

func node(t *testing.T, options opsmanagertest.Options) *opsmanagertest.Manager {
	t.Helper()
	manager, err := opsmanagertest.New(options)
	require.NoError(t, err)
	t.Cleanup(manager.Close)
	return manager
}

// balanced returns a client of nodes that know only their own nonces, behind a
// balancer that chooses one for each request.
func balanced(t *testing.T, nodes int, choose func(w http.ResponseWriter, r *http.Request, number int64) int) *opsmanager.Client {
	t.Helper()
	var managers []http.Handler
	for range nodes {
		managers = append(managers, node(t, opsmanagertest.Options{StrictNonceCount: true}))
	}
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		managers[choose(w, r, requests.Add(1))].ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return newClient(t, opsmanager.Config{
		BaseURL: server.URL, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultPrivateKey),
	})
}

// look reads the status of an organization without a link.
func look(ctx context.Context, client *opsmanager.Client, number int) error {
	_, err := client.LinkStatus(ctx, fmt.Sprintf("%024x", number))
	if opsmanager.NoLink(err) {
		return nil
	}
	return err
}

func TestAlternatingNodesNeverRejectAValidKey(t *testing.T) {
	t.Parallel()
	for nodes := 1; nodes <= 4; nodes++ {
		client := balanced(t, nodes, func(_ http.ResponseWriter, _ *http.Request, number int64) int { return int(number) % nodes })
		for number := range 20 {
			require.NoError(t, look(t.Context(), client, number), "%d nodes", nodes)
		}
		_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
		require.NoError(t, err, "%d nodes", nodes)
	}
}

func TestRandomNodesNeverMakeAValidKeyLookWrong(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	client := balanced(t, 2, func(http.ResponseWriter, *http.Request, int64) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(2)
	})
	const calls = 600
	var failed, next atomic.Int64
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for number := next.Add(1); number <= calls; number = next.Add(1) {
				err := look(t.Context(), client, int(number))
				if err == nil {
					continue
				}
				failed.Add(1)
				if !errors.Is(err, opsmanager.ErrAcceptedKeyRefused) {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d of %d calls failed", failed.Load(), calls)
	require.Less(t, failed.Load(), int64(6))
	require.True(t, client.Answered())
}

func TestAKeyThatWorkedBeforeIsNotRejectedFinally(t *testing.T) {
	t.Parallel()
	var revoked atomic.Bool
	other := node(t, opsmanagertest.Options{PublicKey: "other", PrivateKey: "other"})
	client := balanced(t, 1, func(http.ResponseWriter, *http.Request, int64) int { return 0 })
	require.False(t, client.Answered())
	require.NoError(t, look(t.Context(), client, 1))
	require.True(t, client.Answered())

	good := node(t, opsmanagertest.Options{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if revoked.Load() {
			other.ServeHTTP(w, r)
			return
		}
		good.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	client = newClient(t, opsmanager.Config{
		BaseURL: server.URL, PublicKey: opsmanagertest.DefaultPublicKey, PrivateKey: redact.NewSecret(opsmanagertest.DefaultPrivateKey),
	})
	revoked.Store(true)
	err := look(t.Context(), client, 1)
	var refused *opsmanager.Error
	require.ErrorAs(t, err, &refused, "never accepted")
	require.True(t, refused.KeyRefused())
	require.False(t, client.Answered())

	revoked.Store(false)
	require.NoError(t, look(t.Context(), client, 1))
	revoked.Store(true)
	for name, call := range calls {
		err = call(t.Context(), client)
		require.ErrorIs(t, err, opsmanager.ErrAcceptedKeyRefused, name)
		require.ErrorContains(t, err, ": the manager refused an API key that it accepted before, 1")
		require.Equal(t, adminapi.CauseKeyNoLongerAccepted, opsmanager.CauseOf(err))
		require.True(t, opsmanager.Doubtful(err))
		require.False(t, opsmanager.MayHaveTakenEffect(err), name)
	}
}

// pinning balances by a cookie, as HAProxy does with "cookie SRV insert".
func pinning(attributes string) func(http.ResponseWriter, *http.Request, int64) int {
	return func(w http.ResponseWriter, r *http.Request, number int64) int {
		if pinned, err := r.Cookie("SRV"); err == nil && strings.HasPrefix(pinned.Value, "node-") {
			return int(pinned.Value[5] - '0')
		}
		node := int(number) % 2
		w.Header().Add("Set-Cookie", fmt.Sprintf("SRV=node-%d%s", node, attributes))
		return node
	}
}

func TestTheCookieOfABalancerKeepsAClientAtItsNode(t *testing.T) {
	t.Parallel()
	for attributes, requests := range map[string]int64{"": 2, "; path=/": 2, "; Path=/api; HttpOnly; Max-Age=3600": 2, "; domain=127.0.0.1": 2} {
		var last atomic.Int64
		choose := pinning(attributes)
		client := balanced(t, 2, func(w http.ResponseWriter, r *http.Request, number int64) int {
			last.Store(number)
			return choose(w, r, number)
		})
		require.NoError(t, look(t.Context(), client, 1), attributes)
		require.Equal(t, requests, last.Load(), "the cookie of the 401 counts: %s", attributes)
		_, err := client.CreateLink(t.Context(), orgID, redact.NewSecret(canary), nil)
		require.NoError(t, err)
	}
}

func TestCookiesAreKeptByTheRules(t *testing.T) {
	t.Parallel()
	for set, sent := range map[string]bool{
		"A=value":                          true,
		`A="quoted value"`:                 true,
		"A=value; Path=/api":               true,
		"A=value; Path=/ap":                false,
		"A=value; Path=/other":             false,
		"A=value; Secure":                  false, // it is plain http
		"A=value; Domain=example.com":      false,
		"A=value; Max-Age=0":               false,
		"A=value; Max-Age=99999999999":     true,
		"A=value; Expires=" + httpDate(-1): false,
		"A=value; Expires=" + httpDate(1):  true,
		"A=" + strings.Repeat("x", 2000):   false,
	} {
		var got atomic.Value
		got.Store("")
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got.Store(r.Header.Get("Cookie"))
			w.Header()["Set-Cookie"] = []string{set}
			w.Header().Set("WWW-Authenticate", challenge)
			if r.Header.Get("Authorization") == "" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			body(`{"status":"SYNCED"}`)(w, r)
		}))
		client := newClient(t, opsmanager.Config{BaseURL: server.URL})
		_, err := client.LinkStatus(t.Context(), orgID)
		require.NoError(t, err)
		want := ""
		if sent {
			want, _, _ = strings.Cut(set, ";")
		}
		require.Equal(t, want, got.Load(), set)
		server.Close()
	}
}

func TestCookiesAreBoundedDeletedAndNotShared(t *testing.T) {
	t.Parallel()
	var number atomic.Int64
	var cookies atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies.Store(r.Header.Get("Cookie"))
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.Method {
		case http.MethodDelete:
			for n := range 1000 {
				w.Header().Add("Set-Cookie", fmt.Sprintf("C%d=; Path=/; Max-Age=0", n))
			}
			w.WriteHeader(http.StatusNoContent)
		default:
			for range 100 {
				w.Header().Add("Set-Cookie", fmt.Sprintf("C%d=%s; Path=/", number.Add(1)%1000, strings.Repeat("x", 100)))
			}
			body(`{"status":"SYNCED"}`)(w, r)
		}
	}))
	t.Cleanup(server.Close)
	client := newClient(t, opsmanager.Config{BaseURL: server.URL})
	for range 20 {
		_, err := client.LinkStatus(t.Context(), orgID)
		require.NoError(t, err)
	}
	sent, _ := cookies.Load().(string)
	require.Equal(t, 16, strings.Count(sent, "="), sent)
	require.NoError(t, client.DeleteLink(t.Context(), orgID))
	require.NoError(t, client.DeleteLink(t.Context(), orgID))
	require.NotContains(t, cookies.Load(), "C")

	_, err := client.LinkStatus(t.Context(), orgID)
	require.NoError(t, err)
	_, err = newClient(t, opsmanager.Config{BaseURL: server.URL}).LinkStatus(t.Context(), orgID)
	require.NoError(t, err)
	require.Empty(t, cookies.Load(), "another client has its own")
}

func TestACookieIsInNoError(t *testing.T) {
	t.Parallel()
	client := replying(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "SESSION=s3ss10n.canary")
		if r.Header.Get("Cookie") == "" {
			body(`{"status":"SYNCED"}`)(w, r)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"errorCode":"X","detail":"you sent %s"}`, r.Header.Get("Cookie")) //nolint:gosec // no browser reads it
	})
	_, err := client.LinkStatus(t.Context(), orgID)
	require.NoError(t, err)
	_, err = client.LinkStatus(t.Context(), orgID)
	require.ErrorContains(t, err, "you sent SESSION=[redacted]")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, *client), "s3ss10n")
}

func httpDate(hours int) string {
	return time.Now().Add(time.Duration(hours) * time.Hour).UTC().Format(http.TimeFormat)
}

func TestAStreakOfRefusalsIsCountedAndEndsWithAReply(t *testing.T) {
	t.Parallel()
	var refusing atomic.Bool
	client := replying(t, func(w http.ResponseWriter, r *http.Request) {
		if refusing.Load() {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body(`{"status":"SYNCED"}`)(w, r)
	})
	require.NoError(t, look(t.Context(), client, 1))
	refusing.Store(true)
	for n := 1; n <= 3; n++ {
		require.ErrorIs(t, look(t.Context(), client, 1), opsmanager.ErrAcceptedKeyRefused)
		inARow, lasting := client.Streak(fmt.Sprintf("%024x", 1))
		require.Equal(t, n, inARow)
		require.Positive(t, lasting)
	}
	refusing.Store(false)
	require.NoError(t, look(t.Context(), client, 1))
	inARow, lasting := client.Streak(fmt.Sprintf("%024x", 1))
	require.Zero(t, inARow)
	require.Zero(t, lasting)
}
