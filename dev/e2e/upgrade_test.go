package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// fleet is a Worker Deployment that is upgraded as docs/how-to/upgrade.md says.
type fleet struct {
	*system
	client.WorkerDeploymentHandle
	shown map[string][]string // the commands of that page
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	s := newSystem(t)
	return &fleet{s, s.temporal.WorkerDeploymentClient().GetHandle("migrationlink"), shownTo(t, "upgrade_test.go", "docs/how-to/upgrade.md")}
}

// start starts a worker as the page says, with another build.
func (f *fleet) start(build string) *process {
	f.t.Helper()
	command := strings.ReplaceAll(strings.Join(f.shown["worker"], "\n"), "BUILD_ID=v1", "BUILD_ID="+build)
	env := append(slices.Clone(f.env), "PATH="+filepath.Dir(workerProgram)+string(os.PathListSeparator)+os.Getenv("PATH"))
	p := start(f.t, env, "/bin/sh", "-c", "cd "+f.dir+"; exec env "+command)
	p.waitFor("worker ready")
	return p
}

// typed returns the output of commands of the page that succeed.
func (f *fleet) typed(name string) string {
	f.t.Helper()
	require.NotEmpty(f.t, f.shown[name], name)
	done := f.commandLine().run("set -e\n" + strings.Join(f.shown[name], "\n"))
	require.Zero(f.t, done.code, "%s\n%s%s", name, done.stdout, done.stderr)
	return done.stdout
}

func (f *fleet) makeCurrent(build string) {
	f.t.Helper()
	f.eventually(func() bool {
		_, err := f.SetCurrentVersion(f.t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
		return err == nil // until Temporal has seen all its pollers
	})
}

// builds returns the builds that have processed a workflow, in order.
func (f *fleet) builds(run client.WorkflowRun) (builds []string) {
	f.t.Helper()
	for _, event := range f.history(run.GetID(), run.GetRunID()) {
		build := event.GetWorkflowTaskCompletedEventAttributes().GetDeploymentVersion().GetBuildId()
		if build != "" && (len(builds) == 0 || builds[len(builds)-1] != build) {
			builds = append(builds, build)
		}
	}
	return builds
}

func (f *fleet) drainage(build string) client.WorkerDeploymentVersionDrainageStatus {
	f.t.Helper()
	described, err := f.DescribeVersion(f.t.Context(), client.WorkerDeploymentDescribeVersionOptions{BuildID: build})
	require.NoError(f.t, err)
	if described.Info.DrainageInfo == nil {
		return client.WorkerDeploymentVersionDrainageStatusUnspecified
	}
	return described.Info.DrainageInfo.DrainageStatus
}

func TestAnUpgradeLeavesWaitingLinksOnTheirVersionUntilItHasDrained(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	s := f.system
	older := f.start("v1")
	f.makeCurrent("v1")
	f.typed("first")

	syncing, blocked := newOrg(), newOrg()
	s.shape(syncing, map[string]any{"sync": "never"})
	s.shape(blocked, map[string]any{"refusal": opsmanagertest.RefusedRole})
	waiting := []client.WorkflowRun{s.begin(syncing, nil), s.begin(blocked, whenBlocked)}
	s.waitForPhase(waiting[0], migrationlink.PhaseSyncing)
	s.waitForPhase(waiting[1], migrationlink.PhaseBlocked)

	f.start("v2")
	f.makeCurrent("v2")
	f.typed("second")
	fresh := s.begin(newOrg(), nil)
	require.NoError(t, fresh.Get(t.Context(), nil))
	require.Equal(t, []string{"v2"}, f.builds(fresh))
	require.EqualValues(t, client.WorkerDeploymentVersionDrainageStatusDraining, f.drainage("v1"))
	draining := f.typed("drain")
	require.True(t, containsAll(draining, "draining", waiting[0].GetID(), waiting[1].GetID()), draining)

	s.shape(syncing, map[string]any{"syncDelay": "0s"})
	s.shape(blocked, map[string]any{"refusal": ""})
	require.NoError(t, s.temporal.SignalWorkflow(t.Context(), waiting[1].GetID(), "", migrationlink.RetrySignal, nil))
	for _, run := range waiting {
		var result migrationlink.LinkResult
		require.NoError(t, run.Get(t.Context(), &result))
		require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
		require.Equal(t, 1, s.evidence(result.OrgID).EffectivePosts)
		require.Equal(t, []string{"v1"}, f.builds(run), "it ends where it began")
	}
	s.within(time.Minute, func() bool { return f.drainage("v1") == client.WorkerDeploymentVersionDrainageStatusDrained })
	drained := f.typed("drain")
	require.Contains(t, drained, "drained")
	require.NotContains(t, drained, waiting[0].GetID())

	f.typed("back")
	returned := s.begin(newOrg(), nil)
	require.NoError(t, returned.Get(t.Context(), nil))
	require.Equal(t, []string{"v1"}, f.builds(returned))
	f.typed("second")
	older.stop()
	require.NoError(t, s.begin(newOrg(), nil).Get(t.Context(), nil))
}

func TestDoctorFindsUnusedVersionsAndLinksWithoutAVersion(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	s := f.system
	older := f.start("v1")
	s.eventually(func() bool {
		return strings.Contains(s.starter("doctor").stdout, "no version is current, so new links go to workers without a version, but there are none; there are workers of migrationlink:v1")
	})
	f.makeCurrent("v1")
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	s.waitForPhase(s.begin(org, nil), migrationlink.PhaseSyncing)
	done := s.starter("doctor")
	require.Contains(t, done.stdout, "new links go to version migrationlink:v1")
	require.Zero(t, done.code, done.stdout)

	newer := s.observed("", "TEMPORAL_DEPLOYMENT_NAME=migrationlink", "TEMPORAL_WORKER_BUILD_ID=v2")
	f.makeCurrent("v2")
	older.stop()
	s.eventually(func() bool {
		_, metrics := newer.get("/metrics")
		return strings.Contains(metrics, `migrationlink_links_waiting{manager="demo",state="running",version="migrationlink:v1"} 1`) &&
			strings.Contains(metrics, `migrationlink_worker_ready{version="migrationlink:v2"} 1`)
	})
	require.Contains(t, s.starter("status", "--manager", "demo", "--org", org).stdout, "Start a worker of version migrationlink:v1, on which it started")
	// Temporal lists a worker that has ended for another minute.
	s.within(2*time.Minute, func() bool {
		done := s.starter("doctor")
		return done.code != 0 && strings.Contains(done.stdout, "no worker is left for 1 link of version migrationlink:v1")
	})
}
