package opsmanagertest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

type fault = opsmanagertest.Fault

func TestErrorsInPlaceOfTheManagerHaveNoEffect(t *testing.T) {
	t.Parallel()
	tests := map[opsmanagertest.FaultKind]struct {
		status int
		says   string
	}{
		opsmanagertest.TooManyRequests: {429, `"errorCode":"RATE_LIMITED","detail":"Resource migrationLink is limited to 100 requests every 1 minutes.","reason":"Too Many Requests","parameters":["migrationLink",100,1]`},
		opsmanagertest.UpgradeWindow:   {405, `"WRITES_NOT_ALLOWED_DURING_APP_UPGRADES"`},
		opsmanagertest.ServerError:     {500, `"UNEXPECTED_ERROR"`},
		opsmanagertest.BadGateway:      {502, "<html>"},
		opsmanagertest.Unavailable:     {503, `"Service Unavailable"`},
		opsmanagertest.GatewayTimeout:  {504, "<html>"},
		opsmanagertest.RequestTimeout:  {408, `"Request Timeout"`},
		opsmanagertest.OtherError:      {418, `"errorCode":"TEAPOT","detail":"short","reason":"I'm a teapot","parameters":["stout",1]`},
	}
	for kind, test := range tests {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			server, c := start(t, opsmanagertest.Options{})
			f := fault{Kind: kind, Count: 1}
			if kind == opsmanagertest.OtherError {
				f.Status, f.ErrorCode, f.Detail, f.Parameters = 418, "TEAPOT", "short", []any{"stout", 1}
			}
			require.NoError(t, server.SetFaults(opsmanagertest.Faults{f}))
			reply := c.post()
			require.Equal(t, test.status, reply.StatusCode)
			require.Contains(t, reply.body, test.says)
			require.Empty(t, reply.Header.Get("Retry-After"))
			require.Zero(t, server.State().Orgs[orgID].EffectivePosts)
			require.Equal(t, http.StatusCreated, c.post().StatusCode, "a count of 1 is over")
			require.Equal(t, 2, server.State().Orgs[orgID].Posts)
		})
	}
}

func minutes(n int) opsmanagertest.Duration {
	return opsmanagertest.Duration(n) * opsmanagertest.Duration(time.Minute)
}

func TestSuccessesInPlaceOfTheManagerHaveNoEffect(t *testing.T) {
	t.Parallel()
	for kind, test := range map[opsmanagertest.FaultKind]struct{ contentType, body string }{
		opsmanagertest.LoginPage:    {"text/html; charset=utf-8", "<title>Sign in</title>"},
		opsmanagertest.EmptySuccess: {"application/json", ""},
		opsmanagertest.Unreadable:   {"application/json", `{"status":"SYN`},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			server, c := start(t, opsmanagertest.Options{})
			require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: kind}}))
			for _, call := range []func() answered{c.post, c.get, c.delete} {
				reply := call()
				require.Equal(t, http.StatusOK, reply.StatusCode)
				require.Equal(t, test.contentType, reply.Header.Get("Content-Type"))
				require.Contains(t, reply.body, test.body)
				require.Equal(t, test.body == "", reply.body == "")
			}
			require.Zero(t, server.State().Orgs[orgID].EffectivePosts)

			require.NoError(t, server.SetFaults(nil))
			c.post()
			require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: kind}}))
			require.Equal(t, http.StatusOK, c.delete().StatusCode)
			require.Equal(t, opsmanagertest.StatusSynced, server.State().Orgs[orgID].LinkStatus)
		})
	}
}

func TestAnErrorAfterTheEffectDeniesIt(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.ErrorAfter}}))
	for _, call := range []func() answered{c.post, c.delete} {
		reply := call()
		require.Equal(t, http.StatusInternalServerError, reply.StatusCode)
		require.Equal(t, "UNEXPECTED_ERROR", reply.code(t))
	}
	org := server.State().Orgs[orgID]
	require.Equal(t, []int{1, 1}, []int{org.EffectivePosts, org.EffectiveDeletes})
}

func TestAFaultThatHitsEveryThirdRequest(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.Redirect, Status: http.StatusFound, Location: "/login", Operation: http.MethodGet, Every: 3}}))
	var got []int
	for range 7 {
		got = append(got, c.get().StatusCode)
	}
	require.Equal(t, []int{404, 404, 302, 404, 404, 302, 404}, got)
	require.Equal(t, 2, server.State().Faults[0].Hits)
}

func TestAFaultThatComesAndGoes(t *testing.T) {
	t.Parallel()
	now := newClock()
	server, c := start(t, opsmanagertest.Options{Now: now.Now, NonceLifetime: time.Hour})
	now.Advance(17 * time.Second) // the schedule begins when the fault is set
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.BadGateway, Period: minutes(5), Active: minutes(1)}}))
	for range 2 {
		for minute := range 5 {
			want := http.StatusNotFound
			if minute == 0 {
				want = http.StatusBadGateway
			}
			require.Equal(t, want, c.get().StatusCode, minute)
			now.Advance(time.Minute - 1)
			require.Equal(t, want, c.get().StatusCode, minute)
			now.Advance(1)
		}
	}
}

func TestRetryAfterIsSecondsOrADateAndRoundsUp(t *testing.T) {
	t.Parallel()
	now := newClock()
	server, c := start(t, opsmanagertest.Options{Now: now.Now})
	f := fault{Kind: opsmanagertest.Unavailable, RetryAfter: opsmanagertest.After(1500 * time.Millisecond)}
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{f}))
	require.Equal(t, "2", c.get().Header.Get("Retry-After"))
	f.RetryAfterAsDate = true
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{f}))
	require.Equal(t, "Fri, 02 Jan 2026 03:04:07 GMT", c.get().Header.Get("Retry-After"))
}

func TestARedirectLeadsToItsLocation(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.Redirect, Location: "https://elsewhere.example/x"}}))
	reply := c.post()
	require.Equal(t, http.StatusTemporaryRedirect, reply.StatusCode)
	require.Equal(t, "https://elsewhere.example/x", reply.Header.Get("Location"))
}

func TestAResetIsBeforeTheEffectOrAfterIt(t *testing.T) {
	t.Parallel()
	for kind, effective := range map[opsmanagertest.FaultKind]int{opsmanagertest.ConnectionReset: 0, opsmanagertest.LostReply: 1} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			server, c := start(t, opsmanagertest.Options{})
			c.get()
			require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: kind, Operation: http.MethodPost}}))
			_, err := c.try(http.MethodPost, linkPath, body)
			require.Error(t, err)
			require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), err)
			require.Equal(t, effective, server.State().Orgs[orgID].EffectivePosts)
		})
	}
}

func TestAStallIsBeforeTheEffectOrAfterIt(t *testing.T) {
	t.Parallel()
	for kind, effective := range map[opsmanagertest.FaultKind]int{opsmanagertest.StallBefore: 0, opsmanagertest.StallAfter: 1} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			server, c := start(t, opsmanagertest.Options{})
			c.get()
			require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: kind, Operation: http.MethodPost}}))
			replied := make(chan struct{})
			go func() {
				defer close(replied)
				_, _ = c.try(http.MethodPost, linkPath, body) // a reply or its end, whichever comes
			}()
			require.Eventually(t, func() bool { return server.State().Orgs[orgID].Posts == 1 }, 10*time.Second, time.Millisecond)
			if effective == 1 {
				require.Eventually(t, func() bool { return server.State().Orgs[orgID].EffectivePosts == 1 }, 10*time.Second, time.Millisecond)
			}
			require.Equal(t, effective, server.State().Orgs[orgID].EffectivePosts)
			select {
			case <-replied:
				require.Fail(t, "a reply in spite of the stall")
			default:
			}
			server.Close() // ends what stalls
			<-replied
			require.Equal(t, effective, server.State().Orgs[orgID].EffectivePosts)
		})
	}
}

func TestAClientThatGivesUpLosesItsRequestOrGetsItsEffectLate(t *testing.T) {
	t.Parallel()
	for kind, test := range map[opsmanagertest.FaultKind]struct {
		duration  time.Duration
		effective int
	}{
		opsmanagertest.StallBefore: {time.Hour, 0},
		opsmanagertest.LateEffect:  {500 * time.Millisecond, 1},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			server, c := start(t, opsmanagertest.Options{})
			c.get()
			require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: kind, Operation: http.MethodPost, Duration: opsmanagertest.Duration(test.duration)}}))
			ctx, giveUp := context.WithCancel(t.Context())
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+linkPath, strings.NewReader(body))
			require.NoError(t, err)
			ended := make(chan error, 1)
			go func() {
				response, err := c.client.Do(request)
				if err == nil {
					_ = response.Body.Close()
				}
				ended <- err
			}()
			require.Eventually(t, func() bool { return server.State().Orgs[orgID].Posts == 1 }, 10*time.Second, time.Millisecond)
			giveUp()
			require.ErrorIs(t, <-ended, context.Canceled)
			if test.effective == 0 {
				server.Close() // returns when the request is over
			}
			require.Eventually(t, func() bool { return server.State().Orgs[orgID].EffectivePosts == test.effective }, 10*time.Second, time.Millisecond)
		})
	}
}

func TestAStallWithADurationGoesOn(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	for _, kind := range []opsmanagertest.FaultKind{opsmanagertest.StallBefore, opsmanagertest.StallAfter, opsmanagertest.LateEffect, opsmanagertest.SlowBody} {
		require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: kind, Duration: opsmanagertest.Duration(50 * time.Millisecond)}}))
		began := time.Now()
		require.Equal(t, http.StatusNotFound, c.get().StatusCode, kind)
		require.GreaterOrEqual(t, time.Since(began), 50*time.Millisecond, kind)
	}
}

func TestSpoiledBodiesComeAfterTheEffect(t *testing.T) {
	t.Parallel()
	const synced = `{"status":"SYNCED"}`
	tests := map[opsmanagertest.FaultKind]struct {
		body   string
		broken bool
	}{
		opsmanagertest.GarbageBody:   {"\x00\xff}{ this is no JSON ", false},
		opsmanagertest.EmptyBody:     {"", false},
		opsmanagertest.TruncatedBody: {synced[:len(synced)/2], true},
		opsmanagertest.GzipBody:      {synced, false}, // unpacked by net/http
		opsmanagertest.ChunkedBody:   {synced, false},
		opsmanagertest.EndlessBody:   {`{"status":"` + strings.Repeat(" ", 100_000), false},
		opsmanagertest.PaddedBody:    {strings.Repeat(" ", 100_000) + synced, false},
	}
	for kind, test := range tests {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			server, c := start(t, opsmanagertest.Options{})
			require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: kind, Operation: http.MethodPost, Bytes: 100_000}}))
			reply, err := c.try(http.MethodPost, linkPath, body)
			require.Equal(t, test.broken, err != nil)
			require.Equal(t, http.StatusCreated, reply.StatusCode)
			require.Equal(t, test.body, reply.body)
			require.Equal(t, kind == opsmanagertest.GzipBody, reply.Uncompressed)
			require.Equal(t, 1, server.State().Orgs[orgID].EffectivePosts)
		})
	}
}

func TestAnEndlessBodyEndsWithItsReader(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.EndlessBody}}))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+linkPath+"/status", nil)
	require.NoError(t, err)
	response, err := c.client.Do(request)
	require.NoError(t, err)
	read, err := io.CopyN(io.Discard, response.Body, 10<<20)
	require.NoError(t, err)
	require.EqualValues(t, 10<<20, read)
	require.NoError(t, response.Body.Close())
}

func TestAuthenticationFaultsAreNoCalls(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.NoChallenge, Count: 1}}))
	reply := c.post()
	require.Equal(t, http.StatusUnauthorized, reply.StatusCode)
	require.Empty(t, reply.Header.Values("WWW-Authenticate"))

	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.StaleNonce}}))
	reply = c.post()
	require.Equal(t, http.StatusUnauthorized, reply.StatusCode)
	require.Contains(t, reply.Header.Get("WWW-Authenticate"), "stale=true")
	require.Zero(t, server.State().Orgs[orgID].Posts)
}

func TestFaultsBeforeAuthenticationHitEverybody(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{
		{Kind: opsmanagertest.ServerError, Count: 1}, // not for strangers
		{Kind: opsmanagertest.BadGateway, Count: 1, BeforeAuthentication: true},
		{Kind: opsmanagertest.EmptyBody, Count: 1, BeforeAuthentication: true},
	}))
	for _, want := range []int{http.StatusBadGateway, http.StatusUnauthorized, http.StatusUnauthorized} {
		response, err := http.Get(server.URL + linkPath)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, want, response.StatusCode)
	}
}

func TestFaultsHitOnlyWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{{Kind: opsmanagertest.ServerError, Operation: http.MethodPost, OrgID: otherOrg}}))
	require.NoError(t, server.AddFaults(opsmanagertest.Faults{{Kind: opsmanagertest.BadGateway, OrgID: orgID, Count: 2}}))
	require.Equal(t, 502, c.post().StatusCode)
	require.Equal(t, 502, c.get().StatusCode)
	require.Equal(t, 404, c.get().StatusCode)
	other := strings.Replace(linkPath, orgID, otherOrg, 1)
	require.Equal(t, 404, c.call(http.MethodGet, other+"/status", "").StatusCode)
	require.Equal(t, 500, c.call(http.MethodPost, other, body).StatusCode)
	faults := server.State().Faults
	require.Equal(t, []int{1, 2}, []int{faults[0].Hits, faults[1].Hits})
}

func TestTheSameSeedHitsTheSameCalls(t *testing.T) {
	t.Parallel()
	story := func(seed uint64) string {
		server, c := start(t, opsmanagertest.Options{Seed: seed})
		var told strings.Builder
		for range 2 { // Reset starts the story over
			require.NoError(t, server.SetFaults(opsmanagertest.Faults{
				{Kind: opsmanagertest.ServerError, Probability: 0.3},
				{Kind: opsmanagertest.BadGateway, Probability: 0.3, Count: 5},
			}))
			for range 40 {
				told.WriteString(c.get().Status[:3] + " ")
			}
			require.NoError(t, server.Reset())
		}
		return told.String()
	}
	first := story(7)
	require.Equal(t, first, story(7))
	require.NotEqual(t, first, story(8))
	require.Equal(t, first[:len(first)/2], first[len(first)/2:])
	require.Equal(t, 10, strings.Count(first, "502"))
	require.Contains(t, first, "500")
	require.Contains(t, first, "404")
}

func TestInvalidFaultsChangeNothing(t *testing.T) {
	t.Parallel()
	server, _ := start(t, opsmanagertest.Options{})
	good := fault{Kind: opsmanagertest.ServerError}
	require.NoError(t, server.SetFaults(opsmanagertest.Faults{good}))
	for says, bad := range map[string]fault{
		`kind cannot be ""`:             {},
		"one of bad-gateway":            {Kind: "500"},
		`operation cannot be "PUT"`:     {Kind: opsmanagertest.ServerError, Operation: "PUT"},
		"orgId":                         {Kind: opsmanagertest.ServerError, OrgID: "x"},
		"negative":                      {Kind: opsmanagertest.ServerError, Count: -1},
		"probability 1.5":               {Kind: opsmanagertest.ServerError, Probability: 1.5},
		"nowhere":                       {Kind: opsmanagertest.Redirect},
		"no redirect":                   {Kind: opsmanagertest.Redirect, Location: "/x", Status: 200},
		"every":                         {Kind: opsmanagertest.ServerError, Every: -1},
		"active 5m0s is not a part":     {Kind: opsmanagertest.ServerError, Period: minutes(5), Active: minutes(5)},
		"active 0s is not a part":       {Kind: opsmanagertest.ServerError, Period: minutes(5)},
		"a part of period 0s":           {Kind: opsmanagertest.ServerError, Active: minutes(1)},
		"needs a status":                {Kind: opsmanagertest.OtherError},
		"needs a duration":              {Kind: opsmanagertest.SlowBody},
		"status from 200":               {Kind: opsmanagertest.Echo, Status: 101},
		`form cannot be "rot13"`:        {Kind: opsmanagertest.Echo, Form: "rot13"},
		`"padded-body" needs bytes`:     {Kind: opsmanagertest.PaddedBody},
		"fault 2: kind cannot be \"x\"": {Kind: "x"},
	} {
		require.ErrorContains(t, server.SetFaults(opsmanagertest.Faults{good, bad}), says)
	}
	require.Equal(t, []opsmanagertest.FaultState{{Fault: good}}, server.State().Faults)
}
