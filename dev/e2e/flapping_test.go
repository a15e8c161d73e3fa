package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// demoNamed returns the section of another manager with the keys of the demo.
func demoNamed(name, url string) string {
	return fmt.Sprintf("\n[managers.%s]\nbase_url = %q\npublic_key = \"env:DEMO_PUBLIC_KEY\"\nprivate_key = \"env:DEMO_PRIVATE_KEY\"\n", name, url)
}

// redirects are replies of a proxy that redirects to its login page.
func redirects(org string) opsmanagertest.Fault {
	return opsmanagertest.Fault{Kind: opsmanagertest.Redirect, Status: http.StatusFound, Location: "/login", OrgID: org}
}

func TestOneOddReplyAmongProperOnesEndsNoLink(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	for name, fault := range map[string]opsmanagertest.Fault{
		"redirect":   redirects(""),
		"login page": {Kind: opsmanagertest.LoginPage},
	} {
		fault.Count = 1
		t.Run(name+" while syncing", func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			s.shape(org, map[string]any{"sync": "never"})
			run := s.begin(org, nil)
			s.waitForPhase(run, migrationlink.PhaseSyncing)
			fault := fault
			fault.Operation, fault.OrgID = http.MethodGet, org
			s.fault(fault)
			s.waitForFaults(org)
			s.shape(org, map[string]any{"syncDelay": "0s"})
			s.requireLinkedOnce(run, org)
		})
		t.Run(name+" in the undo", func(t *testing.T) {
			t.Parallel()
			s := s.in(t)
			org := newOrg()
			s.shape(org, map[string]any{"sync": "never"})
			run := s.begin(org, nil)
			s.waitForPhase(run, migrationlink.PhaseSyncing)
			fault := fault
			fault.Operation, fault.OrgID = http.MethodDelete, org
			s.fault(fault)
			require.NoError(t, s.temporal.CancelWorkflow(t.Context(), run.GetID(), ""))
			result := requireCancelled(t, run)
			require.Equal(t, opsmanagertest.StatusNone, s.evidence(org).LinkStatus)
			require.True(t, result.Removed, "%+v", result)
		})
	}
}

// A proxy in front of the manager answers one call of a link itself.
func TestOneLoginPageOfAProxyEndsNoLink(t *testing.T) { //nolint:tparallel // the page is for the next call
	t.Parallel()
	s := newSystem(t)
	manager, err := url.Parse(s.simulator)
	require.NoError(t, err)
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(manager) }}
	var page atomic.Int32 // the status of the next answer, 0 if the manager gives it
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := int(page.Swap(0))
		if status == 0 {
			pass.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><body><h1>%d %s</h1></body></html>", status, http.StatusText(status))
	}))
	t.Cleanup(proxy.Close)
	s.worker(demoNamed("proxied", proxy.URL))
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			s := s.in(t)
			org := newOrg()
			s.shape(org, map[string]any{"sync": "never"})
			run := s.begin(org, func(r *migrationlink.LinkRequest) { r.Manager = "proxied" })
			s.waitForPhase(run, migrationlink.PhaseSyncing)
			page.Store(int32(status)) //nolint:gosec // it is small
			s.eventually(func() bool { return page.Load() == 0 })
			s.shape(org, map[string]any{"syncDelay": "0s"})
			s.requireLinkedOnce(run, org)
		})
	}
}

func TestAManagerThatOnlyRedirectsIsTheWrongAPI(t *testing.T) {
	t.Parallel()
	portal := httptest.NewServer(http.RedirectHandler("/login", http.StatusFound))
	t.Cleanup(portal.Close)
	s := newSystem(t)
	s.worker(demoNamed("portal", portal.URL))
	require.NoError(t, s.begin(newOrg(), func(r *migrationlink.LinkRequest) { r.SyncTimeout = "1m" }).Get(t.Context(), nil))

	t.Run("from the first reply", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		began := time.Now()
		problem := requireFailure(t, s.begin(newOrg(), func(r *migrationlink.LinkRequest) { r.Manager = "portal" }), migrationlink.OutcomeFailed)
		require.Equal(t, migrationlink.ErrWrongAPI, problem.Type)
		require.Less(t, time.Since(began), 10*time.Second)
	})
	t.Run("after it has answered other links", func(t *testing.T) {
		t.Parallel()
		s := s.in(t)
		org := newOrg()
		s.fault(redirects(org))
		began := time.Now()
		problem := requireFailure(t, s.begin(org, nil), migrationlink.OutcomeFailed)
		require.Equal(t, migrationlink.ErrWrongAPI, problem.Type)
		require.Greater(t, time.Since(began), 10*time.Second)
		require.Less(t, time.Since(began), time.Minute)
		require.GreaterOrEqual(t, s.hits(org), 3)
	})
	t.Run("after it has answered this link", func(t *testing.T) {
		t.Parallel()
		redirectsStopRunningLinks(s.in(t))
	})
}

// All four links run at once, because it takes minutes: one waits, one becomes blocked,
// and two are removed, one of them through a login page.
func redirectsStopRunningLinks(s *system) {
	s.t.Helper()
	waiting, undone, blocked, signIn := newOrg(), newOrg(), newOrg(), newOrg()
	runs := map[string]client.WorkflowRun{}
	for _, org := range []string{waiting, undone, blocked, signIn} {
		s.shape(org, map[string]any{"sync": "never"})
		runs[org] = s.begin(org, func(r *migrationlink.LinkRequest) {
			if org == blocked {
				whenBlocked(r)
			}
		})
		s.waitForPhase(runs[org], migrationlink.PhaseSyncing)
	}
	began := time.Now()
	s.fault(redirects(waiting))
	s.fault(redirects(undone))
	s.fault(redirects(blocked))
	s.fault(opsmanagertest.Fault{Kind: opsmanagertest.LoginPage, Operation: http.MethodDelete, OrgID: signIn})
	for _, org := range []string{undone, signIn} {
		require.NoError(s.t, s.temporal.CancelWorkflow(s.t.Context(), runs[org].GetID(), ""))
	}

	require.Equal(s.t, migrationlink.ErrWrongAPI, requireFailure(s.t, runs[waiting], migrationlink.OutcomeFailed).Type)
	s.requireUndoFailed(runs[undone], undone)
	s.within(time.Minute, func() bool { return s.status(runs[blocked]).Phase == migrationlink.PhaseBlocked })
	require.Equal(s.t, migrationlink.ErrWrongAPI, s.status(runs[blocked]).Problem.Type)
	require.Greater(s.t, time.Since(began), 2*time.Minute)
	require.Less(s.t, time.Since(began), 4*time.Minute)
	for org := range runs {
		require.GreaterOrEqual(s.t, s.hits(org), 5)
	}
	// The login page may be retried for longer. Only the message matters.
	if s.status(runs[signIn]).Phase == migrationlink.PhaseEnded {
		s.requireUndoFailed(runs[signIn], signIn)
	}
}

func (s *system) requireUndoFailed(run client.WorkflowRun, org string) {
	s.t.Helper()
	problem := requireFailure(s.t, run, migrationlink.OutcomeFailed)
	require.Equal(s.t, migrationlink.ErrUndoFailed, problem.Type)
	require.Contains(s.t, problem.Message, "could not be removed")
	require.Equal(s.t, opsmanagertest.StatusNotSynced, s.evidence(org).LinkStatus)
}

// hits counts the calls of an organization that a fault has hit.
func (s *system) hits(org string) int {
	s.t.Helper()
	hits := 0
	for _, fault := range s.state().Faults {
		if fault.OrgID == org {
			hits += fault.Hits
		}
	}
	return hits
}

// Behind a load balancer each node knows only its own nonces. For those of other nodes
// it answers stale=false.
func TestNodesThatKnowOnlyTheirOwnNoncesRefuseNoKey(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]opsmanagertest.Options{
		"two":              {Nodes: 2},
		"three":            {Nodes: 3, Seed: 7},
		"pinned by cookie": {Nodes: 2, NodeCookie: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options.SyncDelay = 3 * time.Second
			manager := opsmanagertest.NewServer(options)
			t.Cleanup(manager.Close)
			s := newSystem(t)
			s.worker(demoNamed("nodes", manager.URL))
			const links = 20
			var runs []client.WorkflowRun
			for range links {
				runs = append(runs, s.begin(newOrg(), func(r *migrationlink.LinkRequest) { r.Manager = "nodes" }))
			}
			for _, run := range runs {
				var result migrationlink.LinkResult
				require.NoError(t, run.Get(t.Context(), &result))
				require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
			}
			for org, seen := range manager.State().Orgs {
				require.Equal(t, 1, seen.EffectivePosts, org)
			}
			if options.NodeCookie {
				// A connection begins without a cookie; after that its node is known.
				totals := manager.State().Totals
				require.LessOrEqual(t, totals.Challenges, 2*totals.Connections)
			}
		})
	}
}
