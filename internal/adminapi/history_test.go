package adminapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/redact"
)

const anyChallenge = `Digest realm="MMS Public API", nonce="0123456789abcdef", algorithm=MD5, qop="auth"`

// asking answers requests without credentials by a challenge.
func asking(reply http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", anyChallenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		reply(w, r)
	}
}

const (
	extends = 1
	neither = 0
	ends    = -1
)

// effects are the effects of replies on a row of doubtful outcomes.
var effects = []struct {
	status int
	body   string
	effect int
}{
	{302, "", extends},
	{403, "<html>", extends},
	{404, "", extends},
	{407, "", extends},
	{401, `{"errorCode":"UNEXPECTED_ERROR"}`, extends},
	{200, "<html>", extends},
	{500, `{"errorCode":"UNEXPECTED_ERROR"}`, neither},
	{502, "<html>", neither},
	{429, `{"errorCode":"RATE_LIMITED"}`, neither},
	{408, "", neither},
	{200, "", neither},
	{0, "", neither},
	{401, `{"errorCode":"NOT_ORG_OWNER"}`, ends},
	{404, `{"errorCode":"ORG_NOT_FOUND"}`, ends},
	{409, `{"error":409}`, ends},
	{200, "{}", ends},
}

func TestAStreakCountsDoubtfulOutcomesSinceTheLastProperReply(t *testing.T) {
	t.Parallel()
	var status atomic.Int64
	var text atomic.Value
	client := newTestClient(t, asking(func(w http.ResponseWriter, _ *http.Request) {
		if status.Load() == 0 {
			panic(http.ErrAbortHandler)
		}
		if status.Load() == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", anyChallenge)
		}
		w.WriteHeader(int(status.Load()))
		body, _ := text.Load().(string)
		_, _ = io.WriteString(w, body)
	}), Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)})
	call := func(code int, body string) {
		status.Store(int64(code))
		text.Store(body)
		_, err := client.Do(t.Context(), &Call{Operation: "look", Method: http.MethodGet, OrgID: orgID})
		require.Equal(t, code == http.StatusOK && body == "{}", err == nil, "%v", err)
	}
	for _, test := range effects {
		call(200, "{}")
		inARow, lasting := client.Streak(orgID)
		require.Zero(t, inARow)
		require.Zero(t, lasting)
		call(302, "")
		call(302, "")
		_, before := client.Streak(orgID)
		call(test.status, test.body)
		inARow, lasting = client.Streak(orgID)
		switch test.effect {
		case ends:
			require.Zero(t, inARow, "%d %s", test.status, test.body)
			require.Zero(t, lasting)
		default:
			require.Equal(t, 2+test.effect, inARow, "%d %s", test.status, test.body)
			require.Greater(t, lasting, before, "from the first on")
		}
	}
	other, _ := client.Streak("000000000000000000000000")
	require.Zero(t, other, "each organization has its own")
}

func TestACallThatFailsInThePreflightCountsOnce(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]http.HandlerFunc{
		"nobody asks for the key": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") },
		"there is no challenge after one": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" || r.Method == http.MethodPost {
				t.Error("credentials without a challenge")
			}
			w.WriteHeader(http.StatusUnauthorized)
		},
		"the read is redirected": asking(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.com/", http.StatusFound)
		}),
	} {
		client := newTestClient(t, reply, Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)})
		client.Close() // so that each call has an opening
		for n := 1; n <= 3; n++ {
			read := func() *Call { return &Call{Operation: "look", Method: http.MethodGet, OrgID: orgID} }
			_, err := client.Do(t.Context(), &Call{
				Operation: "write", Method: http.MethodPost, OrgID: orgID, Body: []byte("{}"), Preflight: read, Proceed: func(*Error) bool { return false },
			})
			require.Error(t, err)
			inARow, _ := client.Streak(orgID)
			require.Equal(t, n, inARow, name)
		}
		require.False(t, client.Answered())
	}
}

func TestARejectedServiceAccountCountsForEachOrganization(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		Credentials{ClientID: "id", ClientSecret: redact.NewSecret(privateKey)})
	for n := 1; n <= 3; n++ {
		_, err := client.Do(t.Context(), &Call{Operation: "look", Method: http.MethodGet, OrgID: orgID})
		require.Error(t, err)
		inARow, _ := client.Streak(orgID)
		require.Equal(t, n, inARow)
	}
	require.False(t, client.Answered())
}

func TestTheHistoryIsBounded(t *testing.T) {
	t.Parallel()
	var h history
	org := func(n int) string { return fmt.Sprintf("%024x", n) }
	now := time.Now()
	for n := range maxStreaks {
		h.extend(org(n), n%2 == 0, now)
	}
	h.extend(org(0), false, now) // the oldest all the same
	for n := range 5 {
		h.extend(org(maxStreaks+n), false, now)
	}
	require.Len(t, h.streaks, maxStreaks)
	require.Len(t, h.order, maxStreaks)
	for n, want := range map[int]int{0: 0, 4: 0, 5: 1, maxStreaks + 4: 1} {
		inARow, _ := h.streak(org(n))
		require.Equal(t, want, inARow, n)
	}
	for n := range 2 * maxStreaks {
		h.end(org(n), true)
	}
	require.Empty(t, h.streaks)
	require.Empty(t, h.order)
}

// A firewall may let reads through and refuse every write.
func TestAReadDoesNotEndARowOfRejectedWrites(t *testing.T) {
	t.Parallel()
	var h history
	now := time.Now().Add(-time.Hour)
	requireRow := func(inARow int, since time.Time) {
		t.Helper()
		found, lasting := h.streak(orgID)
		require.Equal(t, inARow, found)
		if inARow > 0 {
			require.InDelta(t, time.Since(since).Seconds(), lasting.Seconds(), 10)
		}
	}
	for n := range 3 {
		h.end(orgID, false)
		h.extend(orgID, true, now.Add(time.Duration(n)*time.Minute))
	}
	requireRow(3, now)
	h.extend(orgID, false, now.Add(4*time.Minute))
	requireRow(1, now.Add(4*time.Minute))
	h.end(orgID, false)
	requireRow(0, now)
	h.extend(orgID, true, now.Add(5*time.Minute))
	requireRow(4, now)
	h.extend(orgID, true, now.Add(26*time.Minute))
	requireRow(1, now.Add(26*time.Minute))
	h.extend(orgID, false, now.Add(27*time.Minute))
	h.end(orgID, true)
	requireRow(0, now)
	require.Empty(t, h.streaks)
}

func TestTheHistoryIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, http.NotFound, Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)})
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for n := range 500 {
				call := &Call{Method: [...]string{http.MethodGet, http.MethodPost}[n%2], OrgID: fmt.Sprintf("%024x", n%7), authorized: worker%2 == 0}
				switch n % 3 {
				case 0:
					client.note(call, &Error{StatusCode: http.StatusFound})
				case 1:
					client.note(call, &TransportError{Err: context.DeadlineExceeded})
				default:
					client.note(call, errors.Join(nil))
				}
				client.Streak(call.OrgID)
				client.Answered()
			}
		})
	}
	workers.Wait()
	require.True(t, client.Answered())
}
