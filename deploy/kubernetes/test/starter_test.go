package test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	batch "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"
)

func starterJob(t *testing.T) batch.Job {
	t.Helper()
	var job batch.Job
	require.NoError(t, yaml.UnmarshalStrict([]byte(readFile(t, "../starter.yaml")), &job))
	return job
}

func TestStarterAcceptsTheCommandOfItsJob(t *testing.T) {
	t.Parallel()
	starter := filepath.Join(t.TempDir(), "starter")
	run(t, "go", "-C", "../../..", "build", "-o", starter, "./starter")
	container := starterJob(t).Spec.Template.Spec.Containers[0]
	require.Equal(t, []string{"/usr/local/bin/starter"}, container.Command, "see Dockerfile")
	run(t, starter, append(container.Args, "--print-request")...)
}

// The policy of the namespace is "restricted".
func TestTheJobOfStarterRunsWithoutPrivileges(t *testing.T) {
	t.Parallel()
	pod := starterJob(t).Spec.Template.Spec
	require.True(t, *pod.SecurityContext.RunAsNonRoot)
	require.NotNil(t, pod.SecurityContext.SeccompProfile)
	require.False(t, *pod.AutomountServiceAccountToken)
	container := pod.Containers[0].SecurityContext
	require.False(t, *container.AllowPrivilegeEscalation)
	require.Len(t, container.Capabilities.Drop, 1)
	require.EqualValues(t, "ALL", container.Capabilities.Drop[0])
}
