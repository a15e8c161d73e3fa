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

// environment returns the variables of a worker or starter that is started separately.
// A variable that is set already keeps its value, so that you can choose the demo
// token.
func environment(options stack.Options, own identity) []variable {
	return []variable{
		{"TEMPORAL_ADDRESS", options.TemporalAddress()},
		{"DEMO_PUBLIC_KEY", opsmanagertest.DefaultPublicKey},
		{"DEMO_PRIVATE_KEY", opsmanagertest.DefaultPrivateKey},
		{"DEMO_ATLAS_PUBLIC_KEY", opsmanagertest.DefaultAtlasPublicKey},
		{"DEMO_ATLAS_PRIVATE_KEY", opsmanagertest.DefaultAtlasPrivateKey},
		{"DEMO_IDENTITY", own.keys},
		{"MIGRATIONLINK_RECIPIENT", own.recipient},
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

// writeFiles writes identity, env and worker.toml into dir; shown is the name of dir
// for people. It sets the same environment in this process, whose worker reads the same
// configuration.
func writeFiles(dir, shown string, options stack.Options) (configFile string, _ error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	own, err := readIdentity(filepath.Join(dir, "identity"))
	if err != nil {
		return "", err
	}
	var lines strings.Builder
	for _, v := range environment(options, own) {
		fmt.Fprintf(&lines, "export %s='%s'\n", v.name, strings.ReplaceAll(v.value, "'", `'\''`))
		if err := os.Setenv(v.name, v.value); err != nil {
			return "", err
		}
	}
	if err := writePrivate(filepath.Join(dir, "env"), lines.String()); err != nil {
		return "", err
	}
	configFile = filepath.Join(dir, "worker.toml")
	return configFile, writePrivate(configFile, configuration(shown, own, options))
}

// configuration returns worker.toml with the addresses of this stack. It names the
// identity by its file, so that you can replace it while a worker runs.
func configuration(shown string, own identity, options stack.Options) string {
	_, settings, _ := strings.Cut(workerConfig, "\n\n")
	settings = strings.ReplaceAll(settings, defaultSimulator, options.SimulatorURL())
	settings = strings.ReplaceAll(settings, `"env:DEMO_IDENTITY"`, fmt.Sprintf("%q", "file:"+own.file))
	return fmt.Sprintf(configHead, filepath.Join(shown, "env"), filepath.Join(shown, "worker.toml")) + settings
}

const configHead = `# The worker of the local stack, as it was started last. In a second terminal at
# the repository's root:
#
#   . %s
#   go run ./worker --config %s

`

// writePrivate writes a file that only its owner can read, even if it existed.
func writePrivate(path, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Chmod(path, 0o600)
}

// repository returns the root of the repository, so that every command writes to the
// same places from any folder in it. Elsewhere it returns the working directory.
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
