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

// Whose directories are built as kubectl apply -k would.
var kustomizations = []string{"base", "overlays/example", "overlays/worker-controller"}

// build is kubectl kustomize of a directory, with keys that are none.
func build(t *testing.T, directory string) resmap.ResMap {
	t.Helper()
	copied := copyOf(t, "..")
	secrets := filepath.Join(copied, "overlays/example/secrets")
	require.NoError(t, os.RemoveAll(secrets)) // what the user has there is nobody's business
	require.NoError(t, os.Mkdir(secrets, 0o700))
	for _, name := range []string{"identity", "prod_public_key", "prod_private_key", "atlas_client_id", "atlas_client_secret", "temporal_api_key"} {
		require.NoError(t, os.WriteFile(filepath.Join(secrets, name), []byte("none"), 0o600))
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(copied, directory))
	require.NoError(t, err)
	return built
}

func copyOf(t *testing.T, directory string) string {
	t.Helper()
	to := t.TempDir()
	for _, part := range []string{"base", "overlays"} {
		require.NoError(t, os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(directory, part))))
	}
	return to
}
