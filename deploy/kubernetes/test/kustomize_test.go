package test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// The directories that kubectl apply -k builds.
var kustomizations = []string{"base", "overlays/example", "overlays/worker-controller", withMonitoring}

// withMonitoring is the example with the lines of the page that add the component.
const withMonitoring = "overlays/with-monitoring"

// build returns what kubectl kustomize makes of a directory, with placeholders for
// keys.
func build(t *testing.T, directory string) resmap.ResMap {
	t.Helper()
	return buildIn(t, copyOf(t, ".."), directory)
}

// buildIn does that in a copy of the manifests.
func buildIn(t *testing.T, copied, directory string) resmap.ResMap {
	t.Helper()
	monitored := filepath.Join(copied, withMonitoring)
	require.NoError(t, os.MkdirAll(monitored, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(monitored, "kustomization.yaml"),
		[]byte("namespace: migrationlink\nresources: [../example]\n"+shown(t, "yaml")[0]+"\n"), 0o600))
	overlays, err := filepath.Glob(filepath.Join(copied, "overlays/*/kustomization.yaml"))
	require.NoError(t, err)
	for _, overlay := range overlays {
		giveSecrets(t, filepath.Join(filepath.Dir(overlay), "secrets"))
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(copied, directory))
	require.NoError(t, err)
	return built
}

func giveSecrets(t *testing.T, secrets string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(secrets)) // not the secrets of the user
	require.NoError(t, os.Mkdir(secrets, 0o700))
	for _, name := range []string{"identity", "prod_public_key", "prod_private_key", "atlas_client_id", "atlas_client_secret", "temporal_api_key"} {
		require.NoError(t, os.WriteFile(filepath.Join(secrets, name), []byte("none"), 0o600))
	}
}

func copyOf(t *testing.T, directory string) string {
	t.Helper()
	to := t.TempDir()
	for _, part := range []string{"base", "components", "overlays"} {
		require.NoError(t, os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(directory, part))))
	}
	return to
}
