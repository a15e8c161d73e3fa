package worker_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/worker"
)

func TestAWorkerWithAnInvalidNewConfigurationIsNotReadyButContinues(t *testing.T) {
	setEnvironment(t, startTemporal(t))
	address := freeAddress(t)
	good := managed + "[http]\naddress = \"" + address + "\"\n"
	path := write(t, good)
	stop, output := start(t, "--config", path)
	waitReady(t, address, http.StatusOK, "ok")
	requireProbe(t, path, worker.ExitOK)

	replace(t, path, strings.Replace(good, "[managers.demo]", "[managers.demo]\ncolour = 1", 1))
	waitReady(t, address, http.StatusServiceUnavailable, "the configuration has changed and was not reloaded, so the previous one stays active: the log says why")
	waitMetric(t, address, `migrationlink_worker_ready{version=""} 0`)
	output.wait(t, "managers.demo.colour: unknown key")

	replace(t, path, good)
	waitReady(t, address, http.StatusOK, "ok")
	waitMetric(t, address, `migrationlink_worker_ready{version=""} 1`)
	require.Equal(t, worker.ExitOK, stop())
	requireProbe(t, path, worker.ExitOther)
}

func TestAWorkerWhosePollsAreRefusedIsNotReady(t *testing.T) {
	temporal := &idleTemporal{}
	temporal.refuses.Store(true)
	setEnvironment(t, startTemporalAs(t, temporal))
	address := freeAddress(t)
	stop, _ := start(t, "--config", write(t, managed+"[http]\naddress = \""+address+"\"\n"))
	waitReady(t, address, http.StatusServiceUnavailable, "polls of the task queue migration-link.demo fail: ")
	waitReady(t, address, http.StatusServiceUnavailable, "not for you")

	temporal.refuses.Store(false)
	waitReady(t, address, http.StatusOK, "ok")
	require.Equal(t, worker.ExitOK, stop())
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func waitReady(t *testing.T, address string, code int, says string) {
	t.Helper()
	var last string
	found := eventually(func() bool {
		status, body := get(t, "http://"+address+"/readyz")
		last = fmt.Sprint(status, " ", body)
		return status == code && strings.Contains(body, says)
	})
	require.True(t, found, "%d %s, not %s", code, says, last)
}

func waitMetric(t *testing.T, address, line string) {
	t.Helper()
	require.True(t, eventually(func() bool {
		_, body := get(t, "http://"+address+"/metrics")
		return strings.Contains(body, "\n"+line+"\n")
	}), line)
}

// get answers 0 while nobody listens.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := (&http.Client{}).Do(request)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(content)
}

func requireProbe(t *testing.T, path string, want int) {
	t.Helper()
	code, _, stderr := run(t, "--config", path, "--probe")
	require.Equal(t, want, code, stderr)
}

func TestAnInvalidBuildIDStopsTheWorkerAtStart(t *testing.T) {
	setEnvironment(t, startTemporal(t))
	t.Setenv("TEMPORAL_DEPLOYMENT_NAME", "migrationlink")
	t.Setenv("TEMPORAL_WORKER_BUILD_ID", strings.Repeat("v", 300))
	code, _, stderr := run(t, "--config", write(t, managed))
	require.NotEqual(t, worker.ExitOK, code)
	require.Contains(t, stderr, "TEMPORAL_WORKER_BUILD_ID: has 300 bytes, and Temporal takes at most 255")
	require.NotContains(t, stderr, "worker ready")
}
