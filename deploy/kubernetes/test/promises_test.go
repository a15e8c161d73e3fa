package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type object struct {
	Kind     string
	Metadata struct {
		Name   string
		Labels map[string]string
	}
	Data map[string]string
	Spec struct {
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				TerminationGracePeriodSeconds int
				AutomountServiceAccountToken  *bool
				SecurityContext               struct {
					RunAsNonRoot bool
					RunAsUser    int
					FsGroup      int
				}
				Containers []struct {
					Image           string
					Command         []string
					SecurityContext struct{ ReadOnlyRootFilesystem bool }
					Env             []struct{ Name string }
					Ports           []struct{ Name string }
				}
				Volumes []struct {
					Name   string
					Secret *struct {
						SecretName  string
						DefaultMode int
					}
				}
			}
		}
	}
}

func objects(t *testing.T, directory string) []object {
	t.Helper()
	var all []object
	for _, resource := range build(t, directory).Resources() {
		content, err := resource.MarshalJSON()
		require.NoError(t, err)
		var o object
		require.NoError(t, json.Unmarshal(content, &o))
		all = append(all, o)
	}
	return all
}

func one(t *testing.T, directory, name string, kinds ...string) object {
	t.Helper()
	for _, o := range objects(t, directory) {
		for _, kind := range kinds {
			if o.Kind == kind && strings.HasPrefix(o.Metadata.Name, name) {
				return o
			}
		}
	}
	require.Fail(t, "not there", "%v %s in %s", kinds, name, directory)
	return object{}
}

// workers returns the Deployment, or the WorkerDeployment that becomes one.
func workers(t *testing.T, directory string) object {
	t.Helper()
	return one(t, directory, "migrationlink-worker", "Deployment", "WorkerDeployment")
}

func TestTheBaseHoldsNoSecret(t *testing.T) {
	t.Parallel()
	for _, directory := range []string{"base", "overlays/worker-controller"} {
		for _, o := range objects(t, directory) {
			require.NotEqual(t, "Secret", o.Kind, "%s: %s", directory, o.Metadata.Name)
		}
	}
}

// internal/secret refuses a key that others can read or its group can write.
func TestAWorkerAcceptsTheModesOfItsKeys(t *testing.T) {
	t.Parallel()
	for _, directory := range kustomizations {
		pod := workers(t, directory).Spec.Template.Spec
		require.Equal(t, 65532, pod.SecurityContext.FsGroup, "else root alone reads 0440")
		secrets := 0
		for _, volume := range pod.Volumes {
			if volume.Secret != nil {
				secrets++
				require.Equal(t, 0o440, volume.Secret.DefaultMode, "%s: %s", directory, volume.Name)
			}
		}
		require.Equal(t, 2, secrets)
	}
}

func TestAWorkerRunsWithoutPrivilegesOrWritableFiles(t *testing.T) {
	t.Parallel()
	for _, directory := range kustomizations {
		pod := workers(t, directory).Spec.Template.Spec
		require.True(t, pod.SecurityContext.RunAsNonRoot)
		require.Equal(t, 65532, pod.SecurityContext.RunAsUser, "nonroot, in the image")
		require.Len(t, pod.Containers, 1)
		require.True(t, pod.Containers[0].SecurityContext.ReadOnlyRootFilesystem)
		require.Equal(t, []string{"/usr/local/bin/worker"}, pod.Containers[0].Command, "see Dockerfile")
		require.False(t, *pod.AutomountServiceAccountToken)
	}
}

func TestARunningCallMayFinish(t *testing.T) {
	t.Parallel()
	for _, directory := range kustomizations {
		config := one(t, directory, "migrationlink-worker", "ConfigMap").Data["worker.toml"]
		_, after, found := strings.Cut(config, `stop_timeout = "`)
		require.True(t, found)
		value, _, _ := strings.Cut(after, `"`)
		stop, err := time.ParseDuration(value)
		require.NoError(t, err)
		grace := time.Duration(workers(t, directory).Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
		require.Greater(t, grace, stop+10*time.Second, directory)
	}
}

// The worker itself checks its file, with keys at the paths in it.
func TestTheWorkerAcceptsItsConfiguration(t *testing.T) {
	t.Parallel()
	worker := filepath.Join(t.TempDir(), "worker")
	run(t, "go", "-C", "../../..", "build", "-o", worker, "./worker")
	starter := filepath.Join(t.TempDir(), "starter")
	run(t, "go", "-C", "../../..", "build", "-o", starter, "./starter")
	for _, directory := range kustomizations {
		root := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(root, "keys"), 0o700))
		require.NoError(t, os.Mkdir(filepath.Join(root, "link-tokens"), 0o700))
		run(t, starter, "keygen", "--output-file", filepath.Join(root, "keys/identity"))
		for _, name := range []string{"prod_public_key", "prod_private_key", "atlas_client_id", "atlas_client_secret"} {
			require.NoError(t, os.WriteFile(filepath.Join(root, "keys", name), []byte("abcdefgh"), 0o600))
		}
		config := one(t, directory, "migrationlink-worker", "ConfigMap").Data["worker.toml"]
		file := filepath.Join(root, "worker.toml")
		require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(config, "/run/", root+"/")), 0o600))
		run(t, worker, "--config", file, "--check")
	}
}

func run(t *testing.T, name string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, arguments...)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	require.NoError(t, command.Run(), "%s", &output)
}
