package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
)

// windows is a text as editors of Windows save it.
func windows(text string) string { return "\ufeff" + strings.ReplaceAll(text, "\n", "\r\n") }

// wide is a text as redirections of PowerShell save it.
func wide(text string) string {
	return "\xff\xfe" + strings.Join(strings.Split(text, ""), "\x00") + "\x00"
}

func TestFilesFromWindowsAreReadOrRejectedByTheirEncoding(t *testing.T) {
	t.Setenv("DEMO_PUBLIC_KEY", "\ufeffpublic\r")
	identity, recipient := generate(t)
	certificate, key := certify(t, time.Now().Add(time.Hour))
	contents := map[string]string{
		"private": canary + "\n", "identity": "# comment\n" + identity + "\n", "ca": read(t, certificate),
		"certificate": read(t, certificate), "key": read(t, key),
	}
	directory := t.TempDir()
	file := func(name string) string { return directory + "/" + name }
	settings := fmt.Sprintf(`
[managers.demo] # größer
base_url = "https://demo.example.com"
public_key = "env:DEMO_PUBLIC_KEY"
private_key = "file:%s"
ca_file = %q
client_cert_file = %q
client_key_file = %q
[tokens]
identities = ["file:%s"]
`, file("private"), file("ca"), file("certificate"), file("key"), file("identity"))
	contents["worker.toml"] = settings
	save := func(name, content string) {
		require.NoError(t, os.WriteFile(file(name), []byte(content), 0o600))
	}
	for name, content := range contents {
		save(name, windows(content))
	}
	c, err := config.Load(file("worker.toml"))
	require.NoError(t, err)
	require.Equal(t, "public", c.Managers[0].PublicKey.Reveal())
	require.Equal(t, canary, c.Managers[0].PrivateKey.Reveal())
	require.Equal(t, contents["ca"], c.Managers[0].TLS.CA)
	require.Equal(t, recipient, c.Tokens.Identities.Recipients()[0].String())
	client, err := c.Managers[0].Client()
	require.NoError(t, err)
	client.Close()

	for name, where := range map[string]string{
		"private": "managers.demo.private_key: file:", "ca": "managers.demo.ca_file: the CA file cannot be used: ", "key": "managers.demo.client_key_file: file:",
		"certificate": "managers.demo.client_cert_file: the client's certificate cannot be used: ", "identity": "tokens.identities[0]: file:", "worker.toml": "cannot be used: ",
	} {
		save(name, wide(contents[name]))
		_, err := config.Load(file("worker.toml"))
		problems := requireProblems(t, err)
		require.Len(t, problems, 1, name)
		require.Contains(t, problems[0], where)
		require.Contains(t, problems[0], "it is UTF-16 (little-endian)", name)
		require.NotContains(t, problems[0], identity)
		save(name, contents[name])
	}
}
