package main

import (
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/migrationlink/migrationlink/dev/stack"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

//go:embed worker.toml
var workerConfig string

// defaultSimulator is the simulator's address in worker.toml.
const defaultSimulator = "http://127.0.0.1:8080"

// variable is an environment variable that a worker or a starter beside the
// stack needs.
type variable struct{ name, value string }

// environment returns what a separately started worker or starter needs. What
// is set already is kept, so that anyone may choose the demo token.
func environment(options stack.Options) []variable {
	return []variable{
		{"TEMPORAL_ADDRESS", options.TemporalAddress()},
		{"DEMO_PUBLIC_KEY", opsmanagertest.DefaultPublicKey},
		{"DEMO_PRIVATE_KEY", opsmanagertest.DefaultPrivateKey},
		{"LINK_TOKEN_DEMO", demoToken()},
	}
}

// demoToken has the length of a real link-token. The simulator takes any.
func demoToken() string {
	if token := os.Getenv("LINK_TOKEN_DEMO"); token != "" {
		return token
	}
	random := make([]byte, 144)
	_, _ = rand.Read(random) // never fails
	return base64.URLEncoding.EncodeToString(random)
}

// writeFiles writes env and worker.toml into dir, and gives this process, whose
// worker reads the same configuration, the same environment.
func writeFiles(dir string, options stack.Options) (configFile string, _ error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	var lines strings.Builder
	for _, v := range environment(options) {
		fmt.Fprintf(&lines, "export %s='%s'\n", v.name, strings.ReplaceAll(v.value, "'", `'\''`))
		if err := os.Setenv(v.name, v.value); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "env"), []byte(lines.String()), 0o600); err != nil {
		return "", err
	}
	configFile = filepath.Join(dir, "worker.toml")
	content := strings.ReplaceAll(workerConfig, defaultSimulator, options.SimulatorURL())
	return configFile, os.WriteFile(configFile, []byte(content), 0o600)
}

// repository is the root of the repository, so that every command writes to the
// same places wherever it is typed; the working directory outside of it.
func repository() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "dev", "worker.toml")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return start, nil
		}
	}
}
