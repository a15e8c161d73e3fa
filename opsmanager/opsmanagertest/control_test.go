package opsmanagertest_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func TestTheControlInterfaceDoesWhatTheMethodsDo(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{Now: newClock().Now})

	inForce := c.call(http.MethodPut, "/simulator/orgs/"+orgID, `{"syncDelay":"1h","secondPost":"overwrite","echoToken":true}`)
	require.Equal(t, http.StatusOK, inForce.StatusCode, inForce.body)
	require.JSONEq(t, `{"syncDelay":"1h0m0s","sync":"after-delay","flapPeriod":"1s","postReply":"201","secondPost":"overwrite",
		"statusWithoutLink":"not-found","deleteWithoutLink":"not-found","projects":2,"deployments":[{}],"migrationHosts":0,"availableDelay":"0s","echoToken":true}`, inForce.body)
	require.Equal(t, http.StatusOK, c.call(http.MethodPut, "/simulator/orgs/default", `{"sync":"never"}`).StatusCode)

	set := c.call(http.MethodPut, "/simulator/faults", `{"faults":[{"kind":"too-many-requests","operation":"POST","count":1,"retryAfter":"3s"}]}`)
	require.Equal(t, http.StatusOK, set.StatusCode, set.body)
	set = c.call(http.MethodPost, "/simulator/faults", `{"faults":[{"kind":"stall-before","orgId":"`+otherOrg+`","duration":"1s"}]}`)
	require.JSONEq(t, `{"faults":[{"kind":"too-many-requests","operation":"POST","count":1,"retryAfter":"3s","hits":0},
		{"kind":"stall-before","orgId":"`+otherOrg+`","duration":"1s","hits":0}]}`, set.body)
	limited := c.post()
	require.Equal(t, http.StatusTooManyRequests, limited.StatusCode)
	require.Equal(t, "3", limited.Header.Get("Retry-After"))
	c.post()

	state := c.call(http.MethodGet, "/simulator/state", "")
	require.NotContains(t, state.body, token)
	require.JSONEq(t, `{
		"totals":{"requests":3,"connections":1,"requestsWithoutCredentials":1,"bodiesWithoutCredentials":1,"postsFirstOnConnection":1,"challenges":1},
		"orgs":{"`+orgID+`":{"linkStatus":"NOT_SYNCED","posts":2,"effectivePosts":1,"gets":0,"deletes":0,"effectiveDeletes":0,
			"requestsWithoutCredentials":1,"tokenSha256":"`+tokenSum()+`",
			"events":[{"at":"2026-01-02T03:04:05Z","kind":"made","tokenSha256":"`+tokenSum()+`"}]}},
		"faults":[{"kind":"too-many-requests","operation":"POST","count":1,"retryAfter":"3s","hits":1},
			{"kind":"stall-before","orgId":"`+otherOrg+`","duration":"1s","hits":0}]}`, state.body)
	var decoded opsmanagertest.State
	require.NoError(t, json.Unmarshal([]byte(state.body), &decoded))
	require.Equal(t, server.State(), decoded)

	require.Equal(t, http.StatusNoContent, c.call(http.MethodPost, "/simulator/reset", "").StatusCode)
	require.JSONEq(t, `{"totals":{"requests":0,"connections":0,"requestsWithoutCredentials":0,"bodiesWithoutCredentials":0,
		"postsFirstOnConnection":0,"challenges":0},"orgs":{},"faults":[]}`, c.call(http.MethodGet, "/simulator/state", "").body)
	require.Equal(t, http.StatusCreated, c.post().StatusCode)
	require.Contains(t, c.get().body, `"SYNCED"`, "the settings are forgotten, too")
}

func TestBadControlRequestsSayWhatIsWrongAndChangeNothing(t *testing.T) {
	t.Parallel()
	server, c := start(t, opsmanagertest.Options{})
	before := server.State()
	const org, faults = "/simulator/orgs/" + orgID, "/simulator/faults"
	tests := map[string]struct{ path, body, says string }{
		"empty":               {org, ``, "not a JSON object"},
		"null":                {org, `null`, "not a JSON object"},
		"array":               {faults, `[]`, "not a JSON object"},
		"unknown field":       {org, `{"syncdelay":"1s","linked":true}`, `unknown field "syncdelay"; known are syncDelay, sync, flapPeriod, status, `},
		"number for duration": {org, `{"syncDelay":5,"linked":true}`, `field "syncDelay" cannot be a number; it is a string such as "5s"`},
		"no duration":         {org, `{"syncDelay":"5"}`, `"5" is not a duration`},
		"negative":            {org, `{"syncDelay":"-5s"}`, `"-5s" is not a duration`},
		"string for bool":     {org, `{"linked":"yes"}`, `field "linked" cannot be a string; it is a bool`},
		"unknown value":       {org, `{"linked":true,"sync":"later"}`, `sync cannot be "later"; it is one of after-delay, never, flapping`},
		"bad id":              {"/simulator/orgs/demo", `{}`, `"demo"`},
		"no faults":           {faults, `{}`, `needs "faults"`},
		"unknown of faults":   {faults, `{"faults":[],"seed":1}`, `unknown field "seed"; known are faults`},
		"unknown of a fault":  {faults, `{"faults":[{"kind":"upgrade"},{"kind":"upgrade","times":2}]}`, `fault 2: unknown field "times"; known are kind, operation, orgId, count, `},
		"unknown kind":        {faults, `{"faults":[{"kind":"rain"}]}`, `fault 1: kind cannot be "rain"; it is one of bad-gateway, chunked-body, `},
		"a number as kind":    {faults, `{"faults":[{"kind":500}]}`, `field "kind" cannot be a number; it is a string`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply := c.call(http.MethodPut, test.path, test.body)
			require.Equal(t, http.StatusBadRequest, reply.StatusCode)
			require.Contains(t, reply.body, test.says)
		})
	}
	t.Cleanup(func() { require.Equal(t, before, server.State()) })
}

func TestTheFrontPageDescribesTheSimulator(t *testing.T) {
	t.Parallel()
	_, c := start(t, opsmanagertest.Options{})
	page := c.call(http.MethodGet, "/", "").body
	for _, says := range []string{
		"PUT  /simulator/faults", "/api/atlas/v2/orgs/{orgId}/liveMigrations/linkTokens", "POST         /api/oauth/token",
		"accepts any link-token", opsmanagertest.DefaultAtlasClientID, "after-delay, never, flapping", "stall-before",
		"create-link-token", `duration such as "5s"`, "ACCOUNT_SUSPENDED", "number from 0 to 1",
	} {
		require.Contains(t, page, says)
	}
	for _, secret := range []string{opsmanagertest.DefaultPrivateKey, opsmanagertest.DefaultAtlasPrivateKey, opsmanagertest.DefaultAtlasClientSecret} {
		require.NotContains(t, page, secret)
	}
	require.Equal(t, http.StatusNotFound, c.call(http.MethodGet, "/simulator/other", "").StatusCode)
	require.Equal(t, http.StatusMethodNotAllowed, c.call(http.MethodGet, "/simulator/reset", "").StatusCode)
}
