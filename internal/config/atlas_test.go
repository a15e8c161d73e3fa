package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAtlasHasDefaultsAndEitherKindOfCredentials(t *testing.T) {
	setKeys(t)
	identity, _ := generate(t)
	t.Setenv("IDENTITY", identity)
	c, err := load(t, smallest+`
[tokens]
identities = ["env:IDENTITY"]
[atlas.main]
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
[atlas.gov]
base_url = "https://cloud.mongodbgov.com"
base_path = "/api/atlas/v3"
client_id = "env:DEMO_PUBLIC_KEY"
client_secret = "env:DEMO_PRIVATE_KEY"
request_timeout = "5s"
requests_per_second = 2
`)
	require.NoError(t, err)
	require.Len(t, c.Atlas, 2)
	gov, main := c.Atlas[0], c.Atlas[1]
	require.Equal(t, "main", main.Name, "sorted")
	require.Equal(t, "https://cloud.mongodb.com", main.BaseURL)
	require.Equal(t, "/api/atlas/v2", main.BasePath)
	require.Equal(t, 30*time.Second, main.RequestTimeout)
	require.Equal(t, canary, main.PrivateKey.Reveal())
	require.Equal(t, "https://cloud.mongodbgov.com", gov.BaseURL)
	require.Equal(t, "/api/atlas/v3", gov.BasePath)
	require.Equal(t, 5*time.Second, gov.RequestTimeout)
	require.InDelta(t, 2, gov.RequestsPerSecond, 0)
	require.Equal(t, canary, gov.ClientSecret.Reveal())
	for _, a := range c.Atlas {
		client, err := a.Client()
		require.NoError(t, err)
		client.Close()
	}
}

func TestEveryProblemOfAtlasIsReportedWithItsPath(t *testing.T) {
	setKeys(t)
	_, err := load(t, smallest+`
[atlas.Main]
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "env:DEMO_PRIVATE_KEY"
request_timeout = "50s"
[atlas.both]
public_key = "env:DEMO_PUBLIC_KEY"
client_id = "env:DEMO_PUBLIC_KEY"
[atlas.half]
base_url = "http://atlas.example.com"
base_path = "v2"
client_secret = "`+canary+`"
colour = "blue"
[atlas.none]
[atlas.wrong]
public_key = "env:WITH_COLON"
private_key = "env:DEMO_PRIVATE_KEY"
`)
	require.Equal(t, []string{
		`atlas."Main": invalid Atlas name; use 1 to 63 lower-case letters, digits and inner hyphens`,
		`atlas.both: has both an API key and a service account; set public_key and private_key, or client_id and client_secret`,
		`atlas.half.client_secret: is not a reference; keep the key out of this file and set "env:NAME" or "file:/path"`,
		`atlas.half.client_id: is missing; set it to "env:NAME" or "file:/path"`,
		`atlas.half.base_path: the base path must start with a slash and hold no query, like "/api/atlas/v2"`,
		`atlas.half.base_url: plain http to atlas.example.com would show`,
		`atlas.half.colour: unknown key; known here are`,
		`atlas.none: has no credentials; set public_key and private_key of an API key, or client_id and client_secret of a service account`,
		`atlas.wrong.public_key: the public key must not contain a colon`,
		`tokens.identities: is missing; link-tokens that are made in Atlas are sealed to the first`,
		`worker.stop_timeout: 45s must be longer than atlas.Main.request_timeout (50s)`,
	}, shortened(requireProblems(t, err),
		"plain http to atlas.example.com would show", "unknown key; known here are", "are sealed to the first", "request_timeout (50s)"))
}

// shortened cuts the problems off behind any of the texts.
func shortened(problems []string, texts ...string) []string {
	for i, problem := range problems {
		for _, text := range texts {
			if before, _, found := strings.Cut(problem, text); found {
				problems[i] = before + text
			}
		}
	}
	return problems
}
