package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/redact"
)

const changeable = smallest + `
request_timeout = "20s"
[managers.prod]
base_url = "https://cloud.mongodb.com"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
[tokens]
identities = ["env:IDENTITY"]
[atlas.main]
client_id = "env:DEMO_PUBLIC_KEY"
client_secret = "env:DEMO_PRIVATE_KEY"
[log]
level = "info"
[worker]
stop_timeout = "45s"
`

func TestEachChangeIsNamedAndSaysWhetherItNeedsARestart(t *testing.T) {
	setKeys(t)
	identity, _ := generate(t)
	another, _ := generate(t)
	t.Setenv("IDENTITY", identity)
	t.Setenv("ANOTHER", another)
	t.Setenv("NEW_KEY", "n3w-"+canary)
	ca, _ := certify(t, time.Now().Add(time.Hour))
	certificate, key := certify(t, time.Now().Add(time.Hour))
	before, err := load(t, changeable)
	require.NoError(t, err)
	const demo, atlas = "[managers.demo]\n", "[atlas.main]\n"
	for name, test := range map[string]struct {
		old, replacement string
		now, restart     []string
	}{
		"nothing":            {"", "", nil, nil},
		"private key":        {`private_key = "env:DEMO_PRIVATE_KEY"` + "\n\nreq", `private_key = "env:NEW_KEY"` + "\n\nreq", []string{"managers.demo"}, nil},
		"timeout":            {"20s", "21s", []string{"managers.demo"}, nil},
		"CA":                 {demo, demo + `ca_file = "` + ca + `"` + "\n", []string{"managers.demo"}, nil},
		"client certificate": {demo, demo + `client_cert_file = "` + certificate + "\"\nclient_key_file = \"" + key + "\"\n", []string{"managers.demo"}, nil},
		"base URL":           {"http://127.0.0.1:8080", "http://127.0.0.1:8081", []string{"managers.demo"}, nil},
		"interval":           {`base_url = "https://cloud.mongodb.com"`, "base_url = \"https://cloud.mongodb.com\"\nmax_poll_interval = \"5m\"", []string{"managers.prod"}, nil},
		"limit":              {demo, demo + "requests_per_second = 5\n", nil, []string{"managers.demo.requests_per_second"}},
		"limit and URL":      {`base_url = "https://cloud.mongodb.com"`, "base_url = \"https://cloud.example.com\"\nrequests_per_second = 5", []string{"managers.prod"}, []string{"managers.prod.requests_per_second"}},
		"another manager":    {"managers.prod", "managers.prod-2", nil, []string{"managers.prod (removed)", "managers.prod-2 (added)"}},
		"identities":         {`"env:IDENTITY"`, `"env:ANOTHER", "env:IDENTITY"`, []string{"tokens.identities"}, nil},
		"directory":          {"[tokens]", "[tokens]\ndirectory = \"" + t.TempDir() + `"`, []string{"tokens.directory"}, nil},
		"kind":               {demo, demo + `kind = "cloud-manager"` + "\n", []string{"managers.demo"}, nil},
		"assessment":         {"[log]", "[assessment]\ncloud_manager_from = [\"6.0.8\"]\n[log]", []string{"assessment"}, nil},
		"secret of Atlas":    {`client_secret = "env:DEMO_PRIVATE_KEY"`, `client_secret = "env:NEW_KEY"`, []string{"atlas.main"}, nil},
		"limit of Atlas":     {atlas, atlas + "requests_per_second = 5\n", []string{"atlas.main"}, nil},
		"another Atlas":      {"atlas.main", "atlas.other", []string{"atlas.main (removed)", "atlas.other (added)"}, nil},
		"log":                {`"info"`, `"debug"`, nil, []string{"log.level"}},
		"worker":             {"45s", "46s", nil, []string{"worker.stop_timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			after, err := load(t, strings.Replace(changeable, test.old, test.replacement, 1))
			require.NoError(t, err)
			changes := before.Changes(after)
			require.Equal(t, config.Changes{Now: test.now, Restart: test.restart}, changes)

			adopted := before.Adopt(after)
			require.Equal(t, config.Changes{Restart: test.restart}, adopted.Changes(after), "only what needs a restart is still to be done")
			require.Equal(t, config.Changes{Now: test.now}, before.Changes(adopted))
		})
	}
}

// A field that Equal does not compare would never be reloaded.
func TestEqualComparesEverySecret(t *testing.T) {
	t.Parallel()
	other := redact.NewSecret("other")
	for name, change := range map[string]func(*config.Manager, *config.Atlas){
		"public":  func(m *config.Manager, a *config.Atlas) { m.PublicKey, a.PublicKey = other, other },
		"private": func(m *config.Manager, a *config.Atlas) { m.PrivateKey, a.PrivateKey = other, other },
		"client":  func(m *config.Manager, a *config.Atlas) { m.TLS.Key, a.TLS.Key = other, other },
		"id":      func(m *config.Manager, a *config.Atlas) { m.PublicKey, a.ClientID = other, other },
		"secret":  func(m *config.Manager, a *config.Atlas) { m.PublicKey, a.ClientSecret = other, other },
	} {
		var m config.Manager
		var a config.Atlas
		change(&m, &a)
		require.False(t, m.Equal(config.Manager{}), name)
		require.False(t, a.Equal(config.Atlas{}), name)
		same, alike := m, a
		require.True(t, m.Equal(same), name)
		require.True(t, a.Equal(alike), name)
	}
}
