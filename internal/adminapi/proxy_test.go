package adminapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/redact"
)

// behindProxy is the variable that makes the test binary a client of the API at
// its value. net/http reads the variables for proxies once in a process, so that
// each setting needs a process of its own.
const behindProxy = "TEST_CALL_BEHIND_PROXY"

func TestMain(m *testing.M) {
	if url := os.Getenv(behindProxy); url != "" {
		callBehindProxy(url)
		return
	}
	os.Exit(m.Run())
}

// seen is what a call behind a proxy printed.
type seen struct {
	Error    string
	Cause    Cause
	Doubtful bool
	Sent     bool
	Remedy   string
}

func callBehindProxy(url string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := New(Config{
		Party: "the manager", BaseURL: url, DefaultBasePath: "/api", MediaType: "application/json", AllowInsecureHTTP: true,
		Credentials: Credentials{PublicKey: "public", PrivateKey: redact.NewSecret(privateKey)},
	})
	if err == nil {
		_, err = client.Do(ctx, &Call{Operation: "look", Method: http.MethodGet, OrgID: orgID})
	}
	result := seen{Cause: CauseOf(err), Doubtful: Doubtful(err), Sent: MayHaveTakenEffect(err)}
	result.Remedy = result.Cause.Remedy("the manager", "[managers.demo]")
	if err != nil {
		result.Error = err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode(result)
}

// withProxy makes a call in a process with these variables and no others for proxies.
func withProxy(t *testing.T, url string, variables ...string) (result seen) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	for _, variable := range os.Environ() {
		if !strings.Contains(strings.ToUpper(strings.SplitN(variable, "=", 2)[0]), "PROXY") {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(append(command.Env, behindProxy+"="+url), variables...)
	output, err := command.Output()
	require.NoError(t, err, string(output))
	require.NoError(t, json.Unmarshal(output, &result), string(output))
	require.NotContains(t, string(output), "canary", "the password of the proxy")
	return result
}

// forwardProxy answers every request and every CONNECT itself.
func forwardProxy(t *testing.T, status int, page string) (address string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, page)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), requests
}

func TestARejectionByAForwardProxyIsNotBlamedOnTheManager(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status   int
		cause    Cause
		doubtful bool
		remedy   string
	}{
		{407, CauseProxyAuthRequired, true, "a user and a password that the proxy accepts"},
		{403, CauseProxyRefused, true, "Have the proxy let the worker reach the manager"},
	} {
		for _, url := range []string{"http://manager.example.com:8080", "https://manager.example.com:8443"} {
			t.Run(fmt.Sprintf("%d to %s", test.status, url), func(t *testing.T) {
				t.Parallel()
				address, requests := forwardProxy(t, test.status, "<html>ERR_ACCESS_DENIED</html>")
				proxy := "http://worker:canary@" + address
				found := withProxy(t, url, "HTTP_PROXY="+proxy, "HTTPS_PROXY="+proxy)
				require.Contains(t, found.Error, "the proxy "+address)
				require.Equal(t, test.cause, found.Cause)
				require.Equal(t, test.doubtful, found.Doubtful)
				require.Contains(t, found.Remedy, test.remedy)
				require.False(t, found.Sent)
				require.EqualValues(t, 1, requests.Load())
			})
		}
	}
}

func TestTheErrorNamesAProxyWithoutAConnection(t *testing.T) {
	t.Parallel()
	address, _ := forwardProxy(t, 503, "<html>")
	found := withProxy(t, "https://manager.example.com", "HTTPS_PROXY=http://"+address)
	require.Contains(t, found.Error, "the proxy "+address+" has no connection: HTTP 503")
	require.Equal(t, CauseProxyFailed, found.Cause)
	require.False(t, found.Doubtful, "it may be up again soon")

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	for _, url := range []string{"http://manager.example.com", "https://manager.example.com"} {
		address := listener.Addr().String()
		found = withProxy(t, url, "HTTP_PROXY=worker:canary@"+address, "HTTPS_PROXY=worker:canary@"+address)
		require.Contains(t, found.Error, address)
		require.Equal(t, CauseProxyFailed, found.Cause)
		require.False(t, found.Doubtful)
	}
}

// unusable are addresses that net/http ignores, or takes for another one.
var unusable = map[string]string{
	"a carriage return":     "http://worker:canary@127.0.0.1:9\r",
	"a line break":          "http://worker:canary@127.0.0.1:9\n",
	"a space":               " http://worker:canary@127.0.0.1:9",
	"no number as port":     "http://worker:canary@127.0.0.1:port",
	"port 0":                "http://worker:canary@127.0.0.1:0",
	"port 99999":            "http://worker:canary@127.0.0.1:99999",
	"no port after a colon": "http://worker:canary@127.0.0.1:",
	"no host":               "http://:3128",
	"no host, but a user":   "http://worker:canary@:3128",
	"one slash":             "http:/worker:canary@127.0.0.1:9",
	"another scheme":        "ftp://worker:canary@127.0.0.1:9",
	"quotes":                `"http://worker:canary@127.0.0.1:9"`,
	"a path":                "http://127.0.0.1:9/canary",
}

func TestAnInvalidProxyIsNotBypassed(t *testing.T) {
	t.Parallel()
	// A process for each is slow; the others are in the test of the check itself.
	for _, name := range []string{"a carriage return", "no number as port", "another scheme"} {
		value := unusable[name]
		for _, test := range []struct{ url, variable string }{
			{"https://manager.invalid", "HTTPS_PROXY"},
			{"https://manager.invalid", "https_proxy"},
			{"http://manager.invalid", "HTTP_PROXY"},
			{"http://manager.invalid", "http_proxy"},
		} {
			t.Run(name+", "+test.variable, func(t *testing.T) {
				t.Parallel()
				found := withProxy(t, test.url, test.variable+"="+value)
				require.Contains(t, found.Error, test.variable+": ")
				require.Equal(t, CauseProxySetting, found.Cause)
				require.False(t, found.Sent)
			})
		}
	}
}

func TestAValidProxySettingIsUsed(t *testing.T) {
	t.Parallel()
	address, requests := forwardProxy(t, 407, "<html>")
	for number, value := range []string{"http://" + address, address, "http://worker:p%23%25@" + address, "worker:canary@" + address,
		"http://worker:ca#nary@" + address, "http://worker:ca%zznary@" + address, "worker:1/ca?nary@x@" + address, "http://" + address + "/"} {
		found := withProxy(t, "http://manager.invalid", "http_proxy="+value)
		require.Equal(t, CauseProxyAuthRequired, found.Cause, "%s: %s", value, found.Error)
		require.EqualValues(t, number+1, requests.Load())
	}
	found := withProxy(t, "http://127.0.0.1:1", "HTTP_PROXY=\r")
	require.NotEqual(t, CauseProxySetting, found.Cause, "no proxy is ever used for the own machine")
}

func TestTheEnvironmentCheckNamesVariablesButNotValues(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, "")
	}
	require.NoError(t, CheckProxyEnvironment())
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		for form, value := range unusable {
			t.Setenv(name, value)
			err := CheckProxyEnvironment()
			require.ErrorContains(t, err, name+": ", form)
			require.NotContains(t, err.Error(), "canary")
		}
		for _, value := range []string{"proxy.example.com", "proxy.example.com:3128", "http://[::1]:3128", "https://p.example.com/", "socks5://u:p@p.example.com", ""} {
			t.Setenv(name, value)
			require.NoError(t, CheckProxyEnvironment(), value)
		}
	}
	t.Setenv("HTTPS_PROXY", "http://first.example.com")
	t.Setenv("https_proxy", "\r")
	require.NoError(t, CheckProxyEnvironment(), "the other one counts")
}
