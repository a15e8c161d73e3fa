package chaos_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
)

func TestTheSeedDecidesThePlan(t *testing.T) {
	t.Parallel()
	first := newPlan(7, 2*time.Minute, 40)
	require.Equal(t, first, newPlan(7, 2*time.Minute, 40))
	require.NotEqual(t, first, newPlan(8, 2*time.Minute, 40))
}

func TestAShortPlanHasEveryKindOfFaultAndValidRequests(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		p := newPlan(seed, 70*time.Second, 40)
		drawn := map[string]bool{}
		for _, f := range p.Faults {
			drawn[f.Kind] = true
		}
		require.Len(t, drawn, len(faultNames()), "seed %d", seed)
		ids := map[string]bool{}
		for _, r := range p.Requests {
			require.NoError(t, migrationlink.NewStartRequest(r.Link).Validate())
			ids[r.Link.OrgID] = true
			if r.Unlink != nil {
				require.NoError(t, migrationlink.NewStartRequest(r.Unlink.Request).Validate())
			}
		}
		require.Len(t, ids, 40)
	}
}

// echoServer sends back what it receives.
func echoServer(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	return listener.Addr().String()
}

// proxied returns a proxy and a working connection through it.
func proxied(t *testing.T) (*proxy, net.Conn) {
	t.Helper()
	p, err := newProxy(echoServer(t))
	require.NoError(t, err)
	t.Cleanup(p.close)
	conn, err := net.Dial("tcp", p.address())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	require.Equal(t, "hello", exchange(t, conn, "hello"))
	return p, conn
}

func exchange(t *testing.T, conn net.Conn, text string) string {
	t.Helper()
	_, err := io.WriteString(conn, text)
	require.NoError(t, err)
	reply := make([]byte, len(text))
	_, err = io.ReadFull(conn, reply)
	require.NoError(t, err)
	return string(reply)
}

func TestAProxyHoldsBackUntilTheRuleEnds(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]rules{"replies": {HoldReplies: true}, "everything": {HoldAll: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, conn := proxied(t)
			p.set(r)
			_, err := io.WriteString(conn, "late")
			require.NoError(t, err)
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
			_, err = conn.Read(make([]byte, 4))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			p.set(rules{})
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
			reply := make([]byte, 4)
			_, err = io.ReadFull(conn, reply)
			require.NoError(t, err)
			require.Equal(t, "late", string(reply))
		})
	}
}

func TestAProxyDelays(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]rules{"latency": {Latency: 50 * time.Millisecond}, "thin line": {BytesPerSecond: 40}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, conn := proxied(t)
			p.set(r)
			began := time.Now()
			require.Equal(t, "late", exchange(t, conn, "late"))
			require.GreaterOrEqual(t, time.Since(began), 100*time.Millisecond, "in each direction")
		})
	}
}

func TestAProxyCutsRepliesShort(t *testing.T) {
	t.Parallel()
	p, conn := proxied(t)
	p.set(rules{CutRepliesAt: 3})
	_, err := io.WriteString(conn, "hello")
	require.NoError(t, err)
	got, err := io.ReadAll(conn)
	require.Error(t, err, "a reset, not an end")
	require.LessOrEqual(t, len(got), 3)
}

func TestAProxyCutsAndRefuses(t *testing.T) {
	t.Parallel()
	p, conn := proxied(t)
	p.set(rules{Refuse: true})
	p.cut()
	_, err := conn.Read(make([]byte, 1))
	require.Error(t, err)
	refused, err := net.Dial("tcp", p.address())
	if err == nil {
		_, err = refused.Read(make([]byte, 1))
		_ = refused.Close()
	}
	require.Error(t, err)
}

// A campaign that is killed leaves nothing behind: the kernel ends its programs.
func TestProgramsEndWithACampaignThatIsKilled(t *testing.T) {
	t.Parallel()
	if os.Getenv("CHAOS_CHILD") != "" {
		cmd := exec.Command("sleep", "300")
		require.NoError(t, launch(cmd))
		fmt.Fprintf(os.Stderr, "started %d\n", cmd.Process.Pid)
		_ = cmd.Wait()
		return
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("only Linux ends a process with its parent")
	}
	parent := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	parent.Env = append(os.Environ(), "CHAOS_CHILD=1")
	stderr, err := parent.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, launch(parent))
	line, err := bufio.NewReader(stderr).ReadString('\n')
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscanf(line, "started %d", &pid)
	require.NoError(t, err)
	require.True(t, lives(pid))
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	require.Eventually(t, func() bool { return !lives(pid) }, 10*time.Second, 10*time.Millisecond)
}

// lives reports whether a process exists and has not ended.
func lives(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}
