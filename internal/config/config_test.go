package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
)

const canary = "c4n4ry-5ecret"

// smallest is the least that a configuration must say.
const smallest = `
[managers.demo]
base_url = "http://127.0.0.1:8080"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
`

func TestTheSmallestConfigurationHasDefaultsForTheRest(t *testing.T) {
	setKeys(t)
	c, err := load(t, smallest)
	require.NoError(t, err)

	require.Equal(t, config.Log{Level: "info", Format: "json"}, c.Log)
	require.Equal(t, config.Worker{StopTimeout: 45 * time.Second, MaxCachedWorkflows: 200}, c.Worker)
	require.Empty(t, c.Tokens)
	require.Len(t, c.Managers, 1)
	demo := c.Managers[0]
	require.Equal(t, "demo", demo.Name)
	require.Equal(t, "/api/public/v1.0", demo.BasePath)
	require.Equal(t, 30*time.Second, demo.RequestTimeout)
	require.Zero(t, demo.RequestsPerSecond)
	require.Equal(t, "public", demo.PublicKey.Reveal())
	require.Equal(t, canary, demo.PrivateKey.Reveal())
	_, err = demo.Client()
	require.NoError(t, err)
}

func TestEverySettingIsRead(t *testing.T) {
	setKeys(t)
	directory := t.TempDir()
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte(canary+"\n"), 0o600))
	c, err := load(t, fmt.Sprintf(`
[log]
level = "debug"
format = "console"
[worker]
stop_timeout = "1m30s"
max_cached_workflows = 500
[tokens]
directory = %q
[managers.prod]
base_url = "http://opsmanager.example.com:8080"
base_path = "/other/api"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "file:%s"
ca_file = ""
allow_insecure_http = true
unlinked_is_404 = true
max_poll_interval = "5m"
request_timeout = "1m"
requests_per_second = 2.5
[managers.demo]
base_url = "https://cloud.mongodb.com"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
requests_per_second = 5
`, directory, key))
	require.NoError(t, err)

	require.Equal(t, config.Log{Level: "debug", Format: "console"}, c.Log)
	require.Equal(t, config.Worker{StopTimeout: 90 * time.Second, MaxCachedWorkflows: 500}, c.Worker)
	require.Equal(t, directory, c.Tokens.Directory)
	require.Len(t, c.Managers, 2)
	require.Equal(t, "demo", c.Managers[0].Name, "sorted")
	require.InDelta(t, 5, c.Managers[0].RequestsPerSecond, 0)
	prod := c.Managers[1]
	require.Equal(t, "http://opsmanager.example.com:8080", prod.BaseURL)
	require.Equal(t, "/other/api", prod.BasePath)
	require.Equal(t, canary, prod.PrivateKey.Reveal())
	require.True(t, prod.AllowInsecureHTTP)
	require.True(t, prod.UnlinkedIs404)
	require.Equal(t, 5*time.Minute, prod.MaxPollInterval)
	require.Equal(t, 45*time.Second, c.Managers[0].MaxPollInterval)
	require.Equal(t, time.Minute, prod.RequestTimeout)
	require.InDelta(t, 2.5, prod.RequestsPerSecond, 0)
}

const everythingWrong = `
titel = "x"
[log]
level = "loud"
format = 3
[worker]
stop_timeout = "20s"
max_cached_workflows = 5
threads = 4
[tokens]
directory = "/does/not/exist"
[managers.Prod]
base_url = "https://cloud.mongodb.com"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
request_timeout = "5s"
[managers.demo]
base_url = "http://opsmanager.example.com"
base_path = "api"
public_key = "env:WITH_COLON"
private_key = "env:NOT_SET_ANYWHERE"
private_kye = "%[1]s"
ca_file = %[2]q
allow_insecure_http = "yes"
request_timeout = 30
requests_per_second = nan
[managers.inline]
base_url = "https://user:%[1]s@cloud.mongodb.com"
private_key = "%[1]s"
request_timeout = "61s"
requests_per_second = 0
`

func TestEveryProblemIsReportedAtOnceWithItsPath(t *testing.T) {
	setKeys(t)
	noCertificate := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(noCertificate, []byte(canary), 0o600))
	_, err := load(t, fmt.Sprintf(everythingWrong, canary, noCertificate))
	problems := requireProblems(t, err)

	for i, want := range []string{
		"log.level: must be one of debug, info, warn, error",
		"log.format: must be text in double quotes",
		"worker.max_cached_workflows: must be a whole number from 10 to 1000000",
		"worker.threads: unknown key; known here are stop_timeout, max_cached_workflows",
		"tokens.directory: stat /does/not/exist: no such file or directory; create it",
		`managers."Prod": invalid manager name; use 1 to 63 lower-case letters`,
		"managers.demo.private_key: env:NOT_SET_ANYWHERE is not set; set it in",
		"managers.demo.ca_file: the CA file cannot be used: it holds no certificate in PEM form; put",
		"managers.demo.allow_insecure_http: must be true or false, without quotes",
		"managers.demo.request_timeout: must be text in double quotes",
		"managers.demo.requests_per_second: must be a number from 0.1 to 100000; leave it out for no limit",
		"managers.demo.base_path: the base path must start with a slash",
		"managers.demo.base_url: plain http to opsmanager.example.com would show the link-token to the network",
		"managers.demo.public_key: the public key must not contain a colon",
		"managers.demo.private_kye: unknown key; known here are base_url, ",
		`managers.inline.public_key: is missing; set it to "env:NAME" or "file:/path"`,
		"managers.inline.private_key: is not a reference; keep the key out of this file",
		`managers.inline.request_timeout: must be a duration from 1s to 1m0s, like "30s"`,
		"managers.inline.requests_per_second: must be a number from 0.1",
		"managers.inline.base_url: the base URL must be scheme, host and port only",
		"titel: unknown key; known here are log, http, worker, tokens, assessment, managers, atlas",
		"worker.stop_timeout: 20s must be longer than managers.demo.request_timeout (30s)",
		"worker.stop_timeout: 20s must be longer than managers.inline.request_timeout (30s)",
	} {
		require.Greater(t, len(problems), i, want)
		require.Contains(t, problems[i], want)
	}
	require.Len(t, problems, 23)
}

func TestAnInvalidConfigurationFileIsRejectedWithTheReason(t *testing.T) {
	setKeys(t)
	for name, test := range map[string]struct{ content, want string }{
		"empty":           {"", "managers: has no manager; add a section [managers.NAME]"},
		"no quotes":       {"[managers.demo]\nprivate_key = " + canary, `line 2 (last key: "managers.demo.private_key") is not valid TOML; put text into double quotes`},
		"a key twice":     {"[log]\nlevel = \"info\"\nlevel = \"info\"", `line 3 (last key: "log.level")`},
		"no closed quote": {"[log]\nlevel = \"" + canary, `(last key: "log.level")`},
		"no section":      {"managers = \"" + canary + "\"", "managers: must be a section: [managers]"},
		"a list":          {"[[managers.demo]]\nbase_url=\"x\"", "managers.demo: must be a section: [managers.demo]"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, test.content)
			require.Contains(t, strings.Join(requireProblems(t, err), "\n"), test.want)
		})
	}
	_, err := config.Load(filepath.Join(t.TempDir(), "none.toml"))
	require.Contains(t, strings.Join(requireProblems(t, err), "\n"), "no such file or directory; check the path")
}

func TestNoPrinterShowsAKey(t *testing.T) {
	setKeys(t)
	c, err := load(t, smallest)
	require.NoError(t, err)
	client, err := c.Managers[0].Client()
	require.NoError(t, err)

	marshalled, err := json.Marshal(c)
	require.NoError(t, err)
	printed := fmt.Sprintf("%v %+v %#v %s %+v", c, c, c, marshalled, map[string]any{"client": client})
	require.NotContains(t, printed, canary)
	require.Contains(t, printed, "[redacted]")
}

func TestTheConfigurationOfTheLocalStackIsValid(t *testing.T) {
	setKeys(t)
	identity, _ := generate(t)
	t.Setenv("DEMO_IDENTITY", identity)
	t.Setenv("DEMO_ATLAS_PUBLIC_KEY", "public")
	t.Setenv("DEMO_ATLAS_PRIVATE_KEY", canary)
	c, err := config.Load("../../dev/worker.toml")
	require.NoError(t, err)
	require.Equal(t, "demo", c.Managers[0].Name)
	require.Equal(t, "http://127.0.0.1:8080", c.Managers[0].BaseURL)
}

func setKeys(t *testing.T) {
	t.Helper()
	t.Setenv("DEMO_PUBLIC_KEY", "public")
	t.Setenv("DEMO_PRIVATE_KEY", canary)
	t.Setenv("WITH_COLON", canary+":x")
}

func load(t *testing.T, content string) (config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "worker.toml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return config.Load(path)
}

func requireProblems(t *testing.T, err error) []string {
	t.Helper()
	var problems *config.Error
	require.ErrorAs(t, err, &problems)
	require.NotContains(t, err.Error(), canary)
	return problems.Problems
}
