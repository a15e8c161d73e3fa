package adminapi

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/migrationlink/migrationlink/redact"
)

// Not parallel: it measures what is allocated.
func TestAHostileErrorIsReadOnlyToTheParameterLimit(t *testing.T) {
	for name, parameters := range map[string]string{
		"many":         `[` + strings.Repeat(`"5f1b2c3d4e5f6a7b8c9d0e1f",`, 500_000) + `""]`,
		"many numbers": `[` + strings.Repeat(`1,`, 500_000) + `1]`,
		"many lists":   `[` + strings.Repeat(`[],`, 500_000) + `1]`,
	} {
		body := []byte(`{"error":409,"errorCode":"X","parameters":` + parameters + `}`)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		found := parseErrorBody(&Reply{Status: http.StatusConflict, Body: body})
		runtime.ReadMemStats(&after)
		require.Len(t, found.Parameters, maxErrorParameters, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<10), name)
	}
}

func TestAnAccessTokenThatIsTooLongIsRefused(t *testing.T) {
	t.Parallel()
	for length, problem := range map[int]string{maxAccessToken: "", maxAccessToken + 1: "the reply cannot be read: its access token is longer than 16384 bytes"} {
		var calls atomic.Int32
		client := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == accessPath {
				_, _ = fmt.Fprintf(w, `{"access_token":"%s","token_type":"Bearer"}`, strings.Repeat("t", length))
				return
			}
			calls.Add(1)
			_, _ = io.WriteString(w, "{}")
		}, Credentials{ClientID: "id", ClientSecret: redact.NewSecret(privateKey)})
		_, err := client.Do(t.Context(), &Call{Operation: "look", Method: http.MethodGet, OrgID: orgID})
		if problem == "" {
			require.NoError(t, err)
			require.EqualValues(t, 1, calls.Load())
			continue
		}
		require.EqualError(t, err, OperationAccess+" of organization "+orgID+": HTTP 200: "+problem)
		require.Zero(t, calls.Load())
		require.True(t, client.access.lastToken().IsZero())
	}
}

func TestErrorTextsAreTruncated(t *testing.T) {
	t.Parallel()
	for name, word := range map[string]string{"ASCII": "A_", "more bytes than characters": "ü ", "to be escaped": `\"<`, "of no form": `\ud800 `} {
		long := strings.Repeat(word, 100_000/len(word))
		client := newTestClient(t, asking(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusConflict)
			_, _ = fmt.Fprintf(w, `{"errorCode":"%s","detail":"%s","reason":"%s","parameters":["%s",[1,2],{"a":"b"},null,1.5e9,true]}`, long, long, long, long)
		}), Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)})
		_, err := client.Do(t.Context(), &Call{Operation: "look", Method: http.MethodGet, OrgID: orgID})
		var failed *Error
		require.ErrorAs(t, err, &failed, name)
		require.LessOrEqual(t, utf8.RuneCountInString(failed.Code), maxErrorCode+1, name)
		require.LessOrEqual(t, utf8.RuneCountInString(failed.Detail), 1024, name)
		require.Len(t, failed.Parameters, 6)
		require.Equal(t, []string{"[1,2]", `{"a":"b"}`, "", "1.5e9", "true"}, failed.Parameters[1:])
		require.LessOrEqual(t, utf8.RuneCountInString(failed.Parameters[0]), maxErrorParameter+1)
		require.Less(t, len(err.Error()), 8<<10)
	}
}

func TestAHostileHeaderIsBounded(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, asking(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Error-Code", strings.Repeat("A", 30_000))
		w.Header().Set("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")
		w.Header().Set("Location", "https://"+strings.Repeat("a", 20_000))
		w.WriteHeader(http.StatusFound)
		_, _ = io.WriteString(w, "x")
	}), Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)})
	_, err := client.Do(t.Context(), &Call{Operation: "look", Method: http.MethodGet, OrgID: orgID})
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.Less(t, len(err.Error()), 2<<10)
	require.Equal(t, 24*time.Hour, failed.RetryAfter)
}

// stalling sends the reply but for its end, which it sends when it is released.
func stalling(reply []byte, begun *atomic.Int64, release <-chan struct{}) http.HandlerFunc {
	return asking(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(reply[:shortBody])
		_ = http.NewResponseController(w).Flush()
		begun.Add(1)
		_, _ = w.Write(reply[shortBody : len(reply)-1])
		_ = http.NewResponseController(w).Flush()
		select {
		case <-release:
			_, _ = w.Write(reply[len(reply)-1:])
		case <-r.Context().Done():
		}
	})
}

// Not parallel: it measures the heap.
func TestRepliesThatStallAreBoundedInSum(t *testing.T) {
	const clients, calls, bound = 6, 20, 64 << 20 // in bytes; all replies would take 120 MiB
	reply := []byte(`{"a":"` + strings.Repeat("x", DefaultMaxBody-8) + `"}`)
	begun, release := atomic.Int64{}, make(chan struct{})
	handler := stalling(reply, &begun, release)
	failed := make(chan error, clients*calls)
	for range clients {
		client := newTestClient(t, handler, Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)})
		for range calls {
			go func() {
				_, err := client.Do(t.Context(), &Call{Operation: "look", Method: http.MethodGet, OrgID: orgID})
				failed <- err
			}()
		}
	}
	heap := func() uint64 {
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		return now.HeapAlloc
	}
	require.Eventually(t, func() bool {
		return begun.Load() == clients*calls && (len(allLong) == maxAllLong || heap() > bound)
	}, 20*time.Second, 50*time.Millisecond)
	require.Less(t, heap(), uint64(bound))
	close(release)
	for range clients * calls {
		require.NoError(t, <-failed)
	}
	require.Empty(t, allLong)
	require.Less(t, heap(), uint64(bound))
}

// Each call needs two requests. If all could wait for the first one, hardly any would have the time for the second.
func TestACallThatHasBegunIsNotStarvedByThoseThatWait(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, asking(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}), Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)})
	client.config.RequestsPerSecond, client.limiter, client.queueLimit = 20, rate.NewLimiter(20, 20), time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	var succeeded, refused atomic.Int32
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			_, err := client.Do(ctx, &Call{Operation: "look", Method: http.MethodGet, OrgID: orgID})
			switch {
			case err == nil:
				succeeded.Add(1)
			case strings.Contains(err.Error(), "too many requests wait, because requests_per_second is 20"):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.GreaterOrEqual(t, succeeded.Load(), int32(20), "as many as begin at once, and all others that have begun")
	require.Positive(t, refused.Load())
}

// A timeout of a dial looks like that of a context. The manager may be up.
func TestATimeoutBeforeTheServerIsNotTheServers(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, func(http.ResponseWriter, *http.Request) {}, Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)})
	var dialed *net.OpError
	_, err := (&net.Dialer{Timeout: time.Nanosecond}).DialContext(t.Context(), "tcp", "127.0.0.1:1")
	require.ErrorAs(t, err, &dialed)
	require.ErrorIs(t, dialed, context.DeadlineExceeded)
	late := dialed.Err
	for name, test := range map[string]struct {
		err   error
		cause Cause
	}{
		"dial":        {&net.OpError{Op: "dial", Err: late}, CauseNone},
		"proxy":       {&net.OpError{Op: "proxyconnect", Err: &net.OpError{Op: "dial", Err: late}}, CauseProxyFailed},
		"SOCKS proxy": {&net.OpError{Op: "socks connect", Err: late}, CauseProxyFailed},
		"name server": {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", IsTimeout: true}}, CauseNone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := client.transportError(t.Context(), &Call{Operation: "look", OrgID: orgID}, fmt.Errorf("wrapped: %w", test.err))
			require.ErrorContains(t, err, "i/o timeout")
			require.Equal(t, test.cause, CauseOf(err))
		})
	}
	late = &net.OpError{Op: "read", Err: late}
	require.ErrorContains(t, client.transportError(t.Context(), &Call{Operation: "look", OrgID: orgID}, late), "the manager took longer than")
}

func TestASlotComesWithTimeToUseIt(t *testing.T) {
	t.Parallel()
	free := make(slots, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	t.Cleanup(cancel)
	require.NoError(t, free.take(ctx))
	require.ErrorIs(t, free.take(ctx), errBusy)
	require.NoError(t, ctx.Err(), "half of the time is left")
}
