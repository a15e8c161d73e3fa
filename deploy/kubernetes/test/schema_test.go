package test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/yannh/kubeconform/pkg/validator"
)

// The schemas of Kubernetes come with this module of Go, and so from wherever the
// other modules do; their sum makes sure of what they are.
const (
	kubernetes    = "1.30"
	schemaModule  = "sigs.k8s.io/kubectl-validate@v0.0.4"
	schemaSum     = "h1:tGKuv0awYHn11Cb6KPsZKxUmHgavF46K3NvVH0Nse9U="
	schemaOpenAPI = "pkg/openapiclient/builtins/" + kubernetes
)

// What the Temporal worker controller takes, by its API temporal.io/v1alpha1.
//
//go:embed temporal.io_v1alpha1.json
var controller []byte

func TestEveryManifestIsValid(t *testing.T) {
	t.Parallel()
	conform := newValidator(t)
	for _, directory := range kustomizations {
		t.Run(directory, func(t *testing.T) {
			t.Parallel()
			manifests, err := build(t, directory).AsYaml()
			require.NoError(t, err)
			for _, result := range conform(manifests) {
				require.Equal(t, validator.Valid, result.Status, "%v %v:\n%s", result.Err, result.ValidationErrors, result.Resource.Bytes)
			}
		})
	}
}

// Else the test above would show nothing.
func TestWhatIsNotValidIsFound(t *testing.T) {
	t.Parallel()
	conform := newValidator(t)
	manifests, err := build(t, "overlays/worker-controller").AsYaml()
	require.NoError(t, err)
	deployment, err := build(t, "base").AsYaml()
	require.NoError(t, err)
	for name, slip := range map[string]struct {
		in       []byte
		from, to string
	}{
		"unknown field":                       {deployment, "enableServiceLinks:", "enableServicelinks:"},
		"wrong type":                          {deployment, "replicas: 2", "replicas: two"},
		"a list for a text":                   {deployment, "protocol: UDP", "protocol: [UDP]"},
		"missing field":                       {deployment, "    name: worker\n", ""},
		"unknown kind":                        {deployment, "kind: Deployment", "kind: Deploiment"},
		"missing field, of the controller":    {manifests, "    temporalNamespace: migrations\n", ""},
		"unknown value, of the controller":    {manifests, "strategy: Progressive", "strategy: Slowly"},
		"unknown field, of the controller":    {manifests, "  sunset:", "  sunSet:"},
		"unknown field in a pod, of the same": {manifests, "enableServiceLinks:", "enableServicelinks:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := bytes.Replace(slip.in, []byte(slip.from), []byte(slip.to), 1)
			require.NotEqual(t, slip.in, broken, "nothing was changed")
			for _, result := range conform(broken) {
				if result.Status != validator.Valid {
					return
				}
			}
			t.Error("it is taken for valid")
		})
	}
}

func newValidator(t *testing.T) func(manifests []byte) []validator.Result {
	t.Helper()
	directory := t.TempDir()
	writeSchemas(t, directory)
	conform, err := validator.New([]string{directory + "/{{.ResourceKind}}{{.KindSuffix}}.json"}, validator.Opts{Strict: true})
	require.NoError(t, err)
	return func(manifests []byte) []validator.Result {
		return conform.Validate("manifests", io.NopCloser(bytes.NewReader(manifests)))
	}
}

// writeSchemas writes one JSON Schema for each kind that the manifests have, under
// the name by which kubeconform looks for it.
func writeSchemas(t *testing.T, directory string) {
	t.Helper()
	core := readOpenAPI(t, "api/v1.json")
	apps := readOpenAPI(t, "apis/apps/v1.json")
	policy := readOpenAPI(t, "apis/policy/v1.json")
	networking := readOpenAPI(t, "apis/networking.k8s.io/v1.json")
	var temporal map[string]any
	require.NoError(t, json.Unmarshal(controller, &temporal))
	for name, schema := range apps { // for the template of its pods
		if _, ours := temporal[name]; !ours {
			temporal[name] = schema
		}
	}
	for file, kind := range map[string]struct {
		schemas map[string]any
		name    string
	}{
		"configmap-v1":                       {core, "io.k8s.api.core.v1.ConfigMap"},
		"namespace-v1":                       {core, "io.k8s.api.core.v1.Namespace"},
		"secret-v1":                          {core, "io.k8s.api.core.v1.Secret"},
		"serviceaccount-v1":                  {core, "io.k8s.api.core.v1.ServiceAccount"},
		"deployment-apps-v1":                 {apps, "io.k8s.api.apps.v1.Deployment"},
		"poddisruptionbudget-policy-v1":      {policy, "io.k8s.api.policy.v1.PodDisruptionBudget"},
		"networkpolicy-networking-v1":        {networking, "io.k8s.api.networking.v1.NetworkPolicy"},
		"connection-temporal-v1alpha1":       {temporal, "io.temporal.v1alpha1.Connection"},
		"workerdeployment-temporal-v1alpha1": {temporal, "io.temporal.v1alpha1.WorkerDeployment"},
	} {
		require.Contains(t, kind.schemas, kind.name)
		content, err := json.Marshal(map[string]any{
			"$ref":       "#/components/schemas/" + kind.name,
			"components": map[string]any{"schemas": kind.schemas},
		})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(directory, file+".json"), content, 0o600))
	}
}

// readOpenAPI are the schemas of one group of the API, by name. Fields that a
// schema does not name are errors.
func readOpenAPI(t *testing.T, file string) map[string]any {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(schemaDirectory(t), file))
	require.NoError(t, err)
	var document struct {
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(content, &document))
	for _, schema := range document.Components.Schemas {
		schema := schema.(map[string]any)
		if schema["properties"] != nil && schema["additionalProperties"] == nil {
			schema["additionalProperties"] = false
		}
	}
	return document.Components.Schemas
}

func schemaDirectory(t *testing.T) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", schemaModule).Output()
	var module struct{ Dir, Sum, Error string }
	require.NoError(t, json.Unmarshal(output, &module), "go mod download: %v", err)
	require.Empty(t, module.Error)
	require.Equal(t, schemaSum, module.Sum, "%s is not what it was", schemaModule)
	return filepath.Join(module.Dir, schemaOpenAPI)
}
