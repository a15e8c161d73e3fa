package opsmanagertest_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func TestNodesKnowOnlyTheirOwnNonces(t *testing.T) {
	t.Parallel()
	m, err := opsmanagertest.New(opsmanagertest.Options{Nodes: 2})
	require.NoError(t, err)
	nonce := newNonce(t, m)
	granted, refused := 0, 0
	for range 100 {
		reply := raw(t, m, right(nonce).header())
		if reply.Code == http.StatusNotFound { // there is no link
			granted++
			continue
		}
		require.Equal(t, http.StatusUnauthorized, reply.Code)
		require.Contains(t, reply.Header().Get("WWW-Authenticate"), "stale=false")
		refused++
	}
	require.Greater(t, granted, 20)
	require.Greater(t, refused, 20)
	require.Equal(t, refused, m.State().Totals.UnknownNonces)
}

func TestTheSameSeedChoosesTheSameNodes(t *testing.T) {
	t.Parallel()
	story := func(seed uint64) (told []int) {
		m, err := opsmanagertest.New(opsmanagertest.Options{Nodes: 3, Seed: seed})
		require.NoError(t, err)
		nonce := newNonce(t, m)
		for range 50 {
			told = append(told, raw(t, m, right(nonce).header()).Code)
		}
		return told
	}
	require.Equal(t, story(7), story(7))
	require.NotEqual(t, story(7), story(8))
}

func TestACookieThatComesBackPinsAClientToItsNode(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{Nodes: 5, NodeCookie: true})
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c.client.Jar = jar
	for range 30 {
		require.Equal(t, http.StatusNotFound, c.get().StatusCode)
	}
	require.Equal(t, 1, server.State().Totals.Challenges)
	require.Zero(t, server.State().Totals.UnknownNonces)
}

func TestACookieOfAnUnknownNodeIsIgnored(t *testing.T) {
	t.Parallel()
	m, err := opsmanagertest.New(opsmanagertest.Options{Nodes: 2, NodeCookie: true})
	require.NoError(t, err)
	for _, value := range []string{"2", "-1", "x"} {
		request := httptest.NewRequest(http.MethodGet, statusPath, nil)
		request.AddCookie(&http.Cookie{Name: "NODE", Value: value}) //nolint:gosec // a request carries no attributes
		recorder := httptest.NewRecorder()
		m.ServeHTTP(recorder, request)
		require.Regexp(t, "^NODE=[01]; ", recorder.Header().Get("Set-Cookie"), value)
	}
}
