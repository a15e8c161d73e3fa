package e2e_test

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// unknown is the exit code for a request that may have taken effect.
const unknown = 8

// heldReplies is a TCP proxy in front of Temporal. It forwards every request, but only
// the replies to the first calls of a connection.
type heldReplies struct {
	target string
	calls  uint32 // whose replies pass
	mu     sync.Mutex
	open   []net.Conn
}

// holdRepliesAfter returns the address of a proxy that forwards the replies to the
// given number of calls.
func holdRepliesAfter(t *testing.T, target string, calls uint32) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &heldReplies{target: target, calls: calls}
	t.Cleanup(func() {
		_ = listener.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, connection := range p.open {
			_ = connection.Close()
		}
	})
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(connection)
		}
	}()
	return listener.Addr().String()
}

func (p *heldReplies) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.open = append(p.open, client, server)
	p.mu.Unlock()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	p.forward(client, server)
	_ = client.Close()
}

// forward drops the frames of later streams. Each gRPC call has a stream with an odd
// number.
func (p *heldReplies) forward(client io.Writer, server io.Reader) {
	for {
		head := make([]byte, 9) // of a frame of HTTP/2
		if _, err := io.ReadFull(server, head); err != nil {
			return
		}
		size := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		stream := binary.BigEndian.Uint32(head[5:]) &^ (1 << 31)
		to := client
		if stream > 2*p.calls {
			to = io.Discard
		}
		if _, err := to.Write(head); err != nil {
			return
		}
		if _, err := io.CopyN(to, server, size); err != nil {
			return
		}
	}
}

// starterWithReplies runs the starter behind a proxy that forwards the replies to the
// given number of calls.
func (s *system) starterWithReplies(calls uint32, args ...string) finished {
	s.t.Helper()
	return s.starter(append(args, "--address", holdRepliesAfter(s.t, s.variable("TEMPORAL_ADDRESS"), calls))...)
}

func requireUnknown(t *testing.T, done finished) {
	t.Helper()
	require.Equal(t, unknown, done.code, done.stdout+done.stderr)
	require.Contains(t, done.stderr, "not known whether")
	require.Contains(t, done.stderr, "starter status")
	require.NotContains(t, done.stderr, "cannot be reached")
	require.NotContains(t, done.stderr, "no worker")
	require.Less(t, done.took, 25*time.Second)
}

func requireUnknownAsJSON(t *testing.T, done finished) {
	t.Helper()
	require.Equal(t, unknown, done.code)
	require.Empty(t, done.stdout)
	var printed struct {
		Error struct {
			Code   int
			Remedy string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(done.stderr), &printed), done.stderr)
	require.Equal(t, unknown, printed.Error.Code)
	require.Contains(t, printed.Error.Remedy, "Repeating the command is safe")
}

func TestARequestWithoutAReplyTakesEffectAndIsReportedAsUnknown(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")

	t.Run("link", func(t *testing.T) {
		t.Parallel()
		s, org := s.in(t), newOrg()
		link := []string{"link", "--manager", "demo", "--org", org, "--token-ref", "env:LINK_TOKEN_DEMO"}
		requireUnknown(t, s.starterWithReplies(1, link...))
		again := s.starter(link...)
		require.Zero(t, again.code, again.stderr)
		require.Contains(t, again.stdout, "organization "+org+" of manager demo is SYNCED")
	})
	t.Run("link, as JSON", func(t *testing.T) {
		t.Parallel()
		done := s.in(t).starterWithReplies(1, "link", "--manager", "demo", "--org", newOrg(), "--token-ref", "env:LINK_TOKEN_DEMO", "-o", "json")
		requireUnknownAsJSON(t, done)
	})
	t.Run("unlink", func(t *testing.T) {
		t.Parallel()
		s, org := s.in(t), newOrg()
		requireUnknown(t, s.starterWithReplies(1, "unlink", "--yes", "--manager", "demo", "--org", org))
		s.eventually(func() bool { return s.starter("status", "--manager", "demo", "--org", org).code == 0 })
	})
	t.Run("cancel", func(t *testing.T) {
		t.Parallel()
		s, org := s.in(t), newOrg()
		s.shape(org, map[string]any{"sync": "never"})
		run := s.begin(org, nil)
		s.waitForPhase(run, migrationlink.PhaseSyncing)
		requireUnknown(t, s.starterWithReplies(2, "cancel", "--manager", "demo", "--org", org, "--reason", "wrong target"))
		s.eventually(func() bool {
			return strings.Contains(s.starter("status", "--manager", "demo", "--org", org).stdout, "cancelled (wrong target)")
		})
	})
	t.Run("extend and check", func(t *testing.T) {
		t.Parallel()
		s, org := s.in(t), newOrg()
		s.shape(org, map[string]any{"sync": "never"})
		run := s.begin(org, nil)
		s.waitForPhase(run, migrationlink.PhaseSyncing)
		before := s.status(run).Deadline
		requireUnknown(t, s.starterWithReplies(2, "check", "--manager", "demo", "--org", org))
		requireUnknown(t, s.starterWithReplies(2, "extend", "--manager", "demo", "--org", org, "--by", "1h"))
		s.eventually(func() bool { return s.status(run).Deadline.Equal(before.Add(time.Hour)) })
	})
	t.Run("retry", func(t *testing.T) {
		t.Parallel()
		s, org := s.in(t), newOrg()
		s.shape(org, map[string]any{"refusal": opsmanagertest.RefusedAddress})
		run := s.begin(org, whenBlocked)
		s.waitForPhase(run, migrationlink.PhaseBlocked)
		s.shape(org, map[string]any{"refusal": opsmanagertest.NoRefusal})
		requireUnknown(t, s.starterWithReplies(4, "retry", "--manager", "demo", "--org", org))
		s.eventually(func() bool { return s.status(run).Phase != migrationlink.PhaseBlocked })
	})
}
