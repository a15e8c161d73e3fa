package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
)

// Whoever may start a workflow names a file there, which is sent to a manager.
func TestTheDirectoryOfLinkTokensMustNotHoldKeysOrTheConfiguration(t *testing.T) {
	setKeys(t)
	identity, _ := generate(t)
	certificate, clientKey := certify(t, time.Now().Add(time.Hour))
	root := t.TempDir()
	in := func(name string) string { return filepath.Join(root, name) }
	for _, directory := range []string{"keys", "keys/tokens", "identities", "config", "config/tokens", "tokens", "tls"} {
		require.NoError(t, os.MkdirAll(in(directory), 0o700))
	}
	for name, content := range map[string]string{"keys/key": canary, "identities/id": identity, "tls/key.pem": read(t, clientKey), "tls/cert.pem": read(t, certificate)} {
		require.NoError(t, os.WriteFile(in(name), []byte(content), 0o600))
	}
	require.NoError(t, os.Symlink(in("keys"), in("link-to-keys")))
	require.NoError(t, os.Symlink("../keys", in("tokens/inside")))
	require.NoError(t, os.Symlink(in("tokens"), in("link-to-tokens")))
	require.NoError(t, os.Symlink(in("keys/key"), in("link-to-key")))
	for name, test := range map[string]struct{ directory, key, problem string }{
		"own directory":                 {"tokens", "keys/key", ""},
		"below the configuration":       {"config/tokens", "keys/key", ""},
		"below the keys":                {"keys/tokens", "keys/key", ""},
		"own, through a link":           {"link-to-tokens", "keys/key", ""},
		"of the keys":                   {"keys", "keys/key", "the file of managers.demo.private_key: any request could send it"},
		"of the keys, through a link":   {"link-to-keys", "keys/key", "the file of managers.demo.private_key"},
		"of the keys, through the name": {"keys", "link-to-keys/key", "the file of managers.demo.private_key"},
		"of the key behind a link":      {"keys", "link-to-key", "the file of managers.demo.private_key"},
		"with dots":                     {"tokens/../keys/.", "keys/key", "the file of managers.demo.private_key"},
		"of the identities":             {"identities", "keys/key", "the file of tokens.identities[0]"},
		"of the client's key":           {"tls", "keys/key", "the file of managers.demo.client_key_file"},
		"of the configuration":          {"config", "keys/key", "worker.toml, this configuration"},
		"above all":                     {".", "keys/key", "worker.toml, this configuration"},
		"the whole machine":             {"/", "keys/key", "worker.toml, this configuration"},
		"a key that is not there yet":   {"keys", "keys/next", "the file of managers.demo.private_key"},
	} {
		directory := in(test.directory)
		if test.directory == "/" {
			directory = "/"
		}
		settings := strings.ReplaceAll(smallest, "env:DEMO_PRIVATE_KEY", "file:"+in(test.key)) +
			fmt.Sprintf("client_cert_file = %q\nclient_key_file = %q\n[tokens]\ndirectory = %q\nidentities = [\"file:%s\"]\n",
				in("tls/cert.pem"), in("tls/key.pem"), directory, in("identities/id"))
		require.NoError(t, os.WriteFile(in("config/worker.toml"), []byte(settings), 0o600))
		c, err := config.Load(in("config/worker.toml"))
		if test.problem == "" {
			require.NoError(t, err, name)
			require.False(t, c.Tokens.Holds(in(test.key)), name)
			require.True(t, c.Tokens.Holds(filepath.Join(directory, "demo")), name)
			continue
		}
		problems := requireProblems(t, err)
		require.Contains(t, strings.Join(problems, "\n"), "tokens.directory: holds ", name)
		require.Contains(t, strings.Join(problems, "\n"), test.problem, name)
	}
	require.False(t, config.Tokens{}.Holds("/"))
}

func TestKeysMustNotBeInVariablesThatRequestsCanName(t *testing.T) {
	setKeys(t)
	identity, _ := generate(t)
	t.Setenv("LINK_TOKEN_KEY", canary)
	t.Setenv("LINK_TOKEN_IDENTITY", identity)
	const atlas = "[atlas.main]\nclient_id = \"env:DEMO_PUBLIC_KEY\"\nclient_secret = \"env:LINK_TOKEN_KEY\"\n"
	for settings, setting := range map[string]string{
		strings.ReplaceAll(smallest, "DEMO_PRIVATE_KEY", "LINK_TOKEN_KEY"):        "managers.demo.private_key",
		strings.ReplaceAll(smallest, "DEMO_PUBLIC_KEY", "LINK_TOKEN_KEY"):         "managers.demo.public_key",
		smallest + "[tokens]\nidentities = [\"env:LINK_TOKEN_IDENTITY\"]":         "tokens.identities[0]",
		smallest + "[tokens]\nidentities = [\"env:LINK_TOKEN_IDENTITY\"]" + atlas: "atlas.main.client_secret",
	} {
		_, err := load(t, strings.Replace(settings, "]"+"[atlas", "]\n[atlas", 1))
		require.Contains(t, strings.Join(requireProblems(t, err), "\n"),
			setting+": names a variable that begins with LINK_TOKEN_, which any request could send to a manager as a link-token")
	}
}

func TestACAFileWithAnUnreadablePartIsRejected(t *testing.T) {
	setKeys(t)
	certificate, key := certify(t, time.Now().Add(time.Hour))
	good := read(t, certificate)
	lines := strings.SplitAfter(good, "\n")
	for bad, problem := range map[string]string{
		strings.ReplaceAll(good, "CERTIFICATE", "TRUSTED CERTIFICATE"): "block 2 is a TRUSTED CERTIFICATE",
		strings.Join(lines[:3], ""):                                    "block 2 is damaged or cut off",
		read(t, key):                                                   "block 2 is a private key",
	} {
		_, err := load(t, smallest+fmt.Sprintf("ca_file = %q\n", write(t, "ca.pem", good+bad)))
		problems := requireProblems(t, err)
		require.Len(t, problems, 1)
		require.Contains(t, problems[0], "managers.demo.ca_file: the CA file cannot be used: "+problem)
		require.NotContains(t, problems[0], lines[1])

		if !strings.Contains(bad, "PRIVATE") {
			_, err = load(t, smallest+fmt.Sprintf("client_cert_file = %q\nclient_key_file = %q\n", write(t, "cert.pem", good+bad), key))
			require.Contains(t, requireProblems(t, err)[0], "managers.demo.client_cert_file: the client's certificate cannot be used: "+problem)
		}
	}
	old, _ := certify(t, time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC))
	c, err := load(t, smallest+fmt.Sprintf("ca_file = %q\n", write(t, "ca.pem", good+read(t, old))))
	require.NoError(t, err)
	require.Equal(t, []string{"managers.demo.ca_file: block 2 is a certificate that expired on 2020-01-02 03:04:05 UTC; replace it"}, c.Warnings)
}

func TestAnImpossibleAddressIsRejected(t *testing.T) {
	setKeys(t)
	for setting, problem := range map[string]string{
		`base_url = "https://:8443"`:                                    "managers.demo.base_url: has no host before the port",
		`base_url = "https://host:99999"`:                               "managers.demo.base_url: has a port that is not a number from 1 to 65535",
		`base_url = "https://host:0"`:                                   "managers.demo.base_url: has a port",
		`base_url = "https://host:"`:                                    "managers.demo.base_url: has no port after the colon",
		`base_url = "https://300.1.1.1"`:                                "managers.demo.base_url: has a host that is neither a name nor an IP address",
		`base_url = "https://a..b"`:                                     "managers.demo.base_url: has a host",
		`base_url = "https://{host}"`:                                   "managers.demo.base_url: ",
		`base_url = "https://$HOST"`:                                    "managers.demo.base_url: has a host",
		`base_url = "https://2001:db8::1"`:                              "managers.demo.base_url: ",
		`base_url = "https://good"` + "\nbase_path = \"/api/../x\"":     "managers.demo.base_path: is not the path of an API",
		`base_url = "https://good"` + "\nbase_path = \"//api\"":         "managers.demo.base_path: is not the path of an API",
		`base_url = "https://good"` + "\nbase_path = \"/api/ v1.0\"":    "managers.demo.base_path: is not the path of an API",
		`base_url = "https://good"` + "\nbase_path = \"/api\\\\v1.0\"":  "managers.demo.base_path: is not the path of an API",
		`base_url = "https://good"` + "\nbase_path = \"/{base}/v1.0\"":  "managers.demo.base_path: is not the path of an API",
		`base_url = "https://good"` + "\nbase_path = \"/a%2f\"":         "managers.demo.base_path: is not the path of an API",
		`base_url = "https://good"` + "\nbase_path = \"/https://x/y\"":  "managers.demo.base_path: is not the path of an API",
		`base_url = "https://good"` + "\n[http]\naddress = \":99999\"":  "http.address: has a port that is not a number",
		`base_url = "https://good"` + "\n[http]\naddress = \"9464\"":    "http.address: is not an address",
		`base_url = "https://good"` + "\n[http]\naddress = \"a..b:1\"":  "http.address: has a host that is neither",
		`base_url = "https://good"` + "\n[http]\naddress = \"x:minus\"": "http.address: has a port",
	} {
		_, err := load(t, strings.ReplaceAll(smallest, `base_url = "http://127.0.0.1:8080"`, "")+setting)
		problems := requireProblems(t, err)
		require.Len(t, problems, 1, setting)
		require.Contains(t, problems[0], problem)
	}
	for _, setting := range []string{
		`base_url = "https://opsmanager.example.com:8443"`, `base_url = "https://[2001:db8::1]:8443"`, `base_url = "https://a_b.example.com."`,
		`base_url = "https://10.0.0.1"`, `base_url = "https://bücher.example"`, `base_url = "http://[::1]:8080/"`,
		`base_url = "https://good"` + "\nbase_path = \"/om-1/api/public/v1.0/\"", `base_url = "https://good"` + "\nbase_path = \"/\"",
		`base_url = "https://good"` + "\n[http]\naddress = \":9464\"", `base_url = "https://good"` + "\n[http]\naddress = \"[::1]:0\"",
	} {
		c, err := load(t, strings.ReplaceAll(smallest, `base_url = "http://127.0.0.1:8080"`, "")+setting)
		require.NoError(t, err, setting)
		require.Empty(t, c.Warnings, setting)
		client, err := c.Managers[0].Client()
		require.NoError(t, err)
		client.Close()
	}
}

func TestRisksCauseWarnings(t *testing.T) {
	setKeys(t)
	for settings, warning := range map[string]string{
		"[http]\naddress = \":9464\"\npprof = true":                                  "http.pprof: the profiles of the process are served beyond this machine",
		"[http]\naddress = \"192.0.2.1:9464\"\npprof = true":                         "http.pprof: ",
		strings.Replace(smallest, "127.0.0.1", "om", 1) + "allow_insecure_http=true": "managers.demo.allow_insecure_http: keys and link-tokens for om can be read",
	} {
		if !strings.Contains(settings, "managers") {
			settings += smallest
		}
		c, err := load(t, settings)
		require.NoError(t, err)
		require.Len(t, c.Warnings, 1)
		require.Contains(t, c.Warnings[0], warning)
	}
	for _, settings := range []string{"[http]\naddress = \"127.0.0.1:9464\"\npprof = true" + smallest, smallest + "allow_insecure_http=true"} {
		c, err := load(t, settings)
		require.NoError(t, err)
		require.Empty(t, c.Warnings)
	}
}

func TestFilesThatEveryUserMayChangeCauseWarnings(t *testing.T) {
	setKeys(t)
	for name, test := range map[string]struct {
		change string
		mode   os.FileMode
		warned bool
	}{
		"the configuration":        {"config/worker.toml", 0o666, true},
		"its directory":            {"config", 0o777, true},
		"a directory above":        {".", 0o777, true},
		"directory of link-tokens": {"tokens", 0o707, true},
		"directory of keys":        {"keys", 0o702, true},
		"a CA file":                {"ca.pem", 0o646, true},
		"like /tmp":                {"keys", 0o777 | os.ModeSticky, false},
		"read by all":              {"config/worker.toml", 0o644, false},
		"changed by the group":     {"config", 0o775, false},
	} {
		root := t.TempDir()
		in := func(name string) string { return filepath.Join(root, name) }
		for _, directory := range []string{"config", "tokens", "keys"} {
			require.NoError(t, os.Mkdir(in(directory), 0o700))
		}
		require.NoError(t, os.WriteFile(in("keys/key"), []byte(canary), 0o600))
		certificate, _ := certify(t, time.Now().Add(time.Hour))
		require.NoError(t, os.WriteFile(in("ca.pem"), []byte(read(t, certificate)), 0o600))
		require.NoError(t, os.WriteFile(in("config/worker.toml"), []byte(strings.ReplaceAll(smallest, "env:DEMO_PRIVATE_KEY", "file:"+in("keys/key"))+
			fmt.Sprintf("ca_file = %q\n[tokens]\ndirectory = %q\n", in("ca.pem"), in("tokens"))), 0o600))
		require.NoError(t, os.Chmod(in(test.change), test.mode))
		c, err := config.Load(in("config/worker.toml"))
		require.NoError(t, err)
		if !test.warned {
			require.Empty(t, c.Warnings, name)
			continue
		}
		require.Len(t, c.Warnings, 1, name)
		require.Contains(t, c.Warnings[0], in(test.change)+": mode 0", name)
		require.Contains(t, c.Warnings[0], "chmod o-w it")
	}
}

func TestAnInvalidVariableIsRejectedOrCausesAWarning(t *testing.T) {
	setKeys(t)
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "TZ", "TEMPORAL_DEPLOYMENT_NAME", "TEMPORAL_WORKER_BUILD_ID"} {
		t.Setenv(name, "")
	}
	for variable, problem := range map[string]string{
		"HTTPS_PROXY=http://proxy:3128\r":                      "HTTPS_PROXY: it holds a space, a line break",
		"https_proxy=http://u:" + canary + "@p:80/x":           "https_proxy: ",
		"HTTP_PROXY=proxy:99999":                               "HTTP_PROXY: ",
		"HTTP_PROXY=ftp://proxy":                               "HTTP_PROXY: ",
		"NO_PROXY=localhost,10.0.0.0/33":                       "NO_PROXY: entry 2 is not a host",
		"NO_PROXY=localhost .example.com":                      "NO_PROXY: entry 1 is not a host",
		"no_proxy=localhost,https://a.b":                       "no_proxy: entry 2 is not a host",
		"NO_PROXY=a,b\r":                                       "NO_PROXY: entry 2 is not a host",
		"NO_PROXY=a:99999":                                     "NO_PROXY: entry 1 is not a host",
		"TEMPORAL_WORKER_BUILD_ID=" + strings.Repeat("x", 256): "TEMPORAL_WORKER_BUILD_ID: has 256 bytes, and Temporal takes at most 255",
		"TEMPORAL_DEPLOYMENT_NAME=" + strings.Repeat("x", 256): "TEMPORAL_DEPLOYMENT_NAME: has 256 bytes",
	} {
		name, value, _ := strings.Cut(variable, "=")
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			_, err := load(t, smallest)
			problems := requireProblems(t, err)
			require.Len(t, problems, 1)
			require.Contains(t, problems[0], problem)
		})
	}
	noZone := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(noZone, 0o600))
	for variable, warned := range map[string]bool{
		"TZ=" + noZone: true,
		"HTTPS_PROXY=http://u:p%40@proxy.example.com:3128": false, "HTTP_PROXY=proxy:3128": false,
		"NO_PROXY=*": false, "NO_PROXY=localhost, .example.com,*.example.org,10.0.0.0/8,[::1]:80,2001:db8::/32,192.0.2.1,a:80,": false,
		"TZ=UTC": false, "TZ=Europe/Berlin": false, "TZ=:Europe/Berlin": false,
		"TZ=Europe/Berlni": true, "TZ=CET-1CEST": true, "TZ=/etc/passwd": true, "TZ=/dev/zero": true, "TZ=Europe/Berlin\r": true,
	} {
		name, value, _ := strings.Cut(variable, "=")
		t.Run(variable, func(t *testing.T) {
			t.Setenv(name, value)
			c, err := load(t, smallest)
			require.NoError(t, err)
			require.Equal(t, warned, len(c.Warnings) == 1 && strings.HasPrefix(c.Warnings[0], "TZ: is not a time zone that this machine knows"), c.Warnings)
			require.Equal(t, warned, len(c.Warnings) > 0)
		})
	}
}
