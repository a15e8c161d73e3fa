package test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/yannh/kubeconform/pkg/validator"
)

// Go modules have the schemas of Kubernetes: of the oldest version that the manifests are
// for, and of a current one.
var versions = map[string]struct{ module, sum, file string }{
	"1.27": {
		"sigs.k8s.io/kubectl-validate@v0.0.4", "h1:tGKuv0awYHn11Cb6KPsZKxUmHgavF46K3NvVH0Nse9U=",
		"pkg/openapiclient/builtins/1.27/%s.json",
	},
	newest: {
		"k8s.io/kubernetes@v1.37.2", "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE=",
		"api/openapi-spec/v3/%s_openapi.json",
	},
}

const newest = "1.37"

// What the Temporal worker controller 1.7.0 and later takes, by its API temporal.io/v1alpha1.
//
//go:embed temporal.io_v1alpha1.json
var controller []byte

func TestEveryManifestIsValid(t *testing.T) {
	t.Parallel()
	for version := range versions {
		conform := newValidator(t, version)
		for _, directory := range kustomizations {
			t.Run(version+"/"+directory, func(t *testing.T) {
				t.Parallel()
				manifests, err := build(t, directory).AsYaml()
				require.NoError(t, err)
				requireValid(t, conform(manifests))
			})
		}
		requireValid(t, conform([]byte(readFile(t, "../starter.yaml"))))
	}
}

func requireValid(t *testing.T, results []validator.Result) {
	t.Helper()
	require.NotEmpty(t, results)
	for _, result := range results {
		if result.Status == validator.Skipped { // see monitoring_test.go
			continue
		}
		require.Equal(t, validator.Valid, result.Status, "%v %v:\n%s", result.Err, result.ValidationErrors, result.Resource.Bytes)
	}
}

// Otherwise the test above would prove nothing.
func TestAnInvalidManifestIsFound(t *testing.T) {
	t.Parallel()
	conform := newValidator(t, newest)
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

func newValidator(t *testing.T, version string) func(manifests []byte) []validator.Result {
	t.Helper()
	directory := t.TempDir()
	writeSchemas(t, version, directory)
	conform, err := validator.New([]string{directory + "/{{.ResourceKind}}{{.KindSuffix}}.json"}, validator.Opts{
		Strict:    true,
		SkipKinds: map[string]struct{}{"PodMonitor": {}, "PrometheusRule": {}},
	})
	require.NoError(t, err)
	return func(manifests []byte) []validator.Result {
		return conform.Validate("manifests", io.NopCloser(bytes.NewReader(manifests)))
	}
}

// writeSchemas writes one JSON Schema for each kind in the manifests, with the file
// name that kubeconform expects.
func writeSchemas(t *testing.T, version, directory string) {
	t.Helper()
	core := readOpenAPI(t, version, "api/v1")
	apps := readOpenAPI(t, version, "apis/apps/v1")
	policy := readOpenAPI(t, version, "apis/policy/v1")
	networking := readOpenAPI(t, version, "apis/networking.k8s.io/v1")
	batch := readOpenAPI(t, version, "apis/batch/v1")
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
		"job-batch-v1":                       {batch, "io.k8s.api.batch.v1.Job"},
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

// readOpenAPI returns the schemas of one group of the API by name. Fields that a schema
// does not have are errors.
func readOpenAPI(t *testing.T, version, group string) map[string]any {
	t.Helper()
	content, err := os.ReadFile(schemaFile(t, version, group))
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

func schemaFile(t *testing.T, version, group string) string {
	t.Helper()
	schemas := versions[version]
	output, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", schemas.module).Output()
	var module struct{ Dir, Sum, Error string }
	require.NoError(t, json.Unmarshal(output, &module), "go mod download: %v", err)
	require.Empty(t, module.Error)
	require.Equal(t, schemas.sum, module.Sum, "%s is not what it was", schemas.module)
	if version == newest {
		group = strings.ReplaceAll(group, "/", "__")
	}
	return filepath.Join(module.Dir, fmt.Sprintf(schemas.file, group))
}
