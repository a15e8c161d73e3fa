package activities

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
)

// server is Temporal as a journal sees it: it takes entries, or does not.
type server struct {
	mu      sync.Mutex
	entries []any
	answer  error
	took    chan struct{} // one for each entry, as long as somebody waits for it
}

func (s *server) record(ctx context.Context, details ...any) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, details...)
	select {
	case s.took <- struct{}{}:
	default:
	}
	return s.answer
}

// seen returns the entries that the server got, and answers the next ones with an error.
func (s *server) seen(answer error) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.entries
	s.entries, s.answer = nil, answer
	return seen
}

// inAttempt runs f in an attempt that follows one with these heartbeat details.
func inAttempt(t *testing.T, before any, f func(ctx context.Context)) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	environment := suite.NewTestActivityEnvironment()
	if before != nil {
		environment.SetHeartbeatDetails(before)
	}
	environment.RegisterActivityWithOptions(func(ctx context.Context) error {
		f(ctx)
		return nil
	}, activity.RegisterOptions{Name: "attempt"})
	_, err := environment.ExecuteActivity("attempt")
	require.NoError(t, err)
}

func TestAnAttemptReadsWhatTheOneBeforeWroteDown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before any
		want   Removal
	}{
		"nothing":         {nil, Removal{Seen: "SYNCED"}},
		"an entry":        {Removal{Lost: true}, Removal{Lost: true}},
		"another version": {"text", Removal{Seen: "SYNCED"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inAttempt(t, test.before, func(ctx context.Context) {
				require.Equal(t, test.want, openJournal(ctx, (&server{}).record, Removal{Seen: "SYNCED"}).last())
			})
		})
	}
}

func TestAnEntryThatTemporalRejectsIsNotWritten(t *testing.T) {
	t.Parallel()
	inAttempt(t, nil, func(ctx context.Context) {
		temporal := &server{answer: errors.New("Temporal cannot be reached")}
		j := openJournal(ctx, temporal.record, TokenTrace{})
		require.ErrorIs(t, j.write(ctx, TokenTrace{Lost: true}), temporal.answer)
		require.Equal(t, TokenTrace{}, j.last())
		_ = temporal.seen(nil)
		require.NoError(t, j.write(ctx, TokenTrace{Lost: true}))
		require.Equal(t, TokenTrace{Lost: true}, j.last())
		require.Equal(t, []any{TokenTrace{Lost: true}}, temporal.seen(nil))
	})
}

func TestACancelledAttemptCanCorrectItsEntry(t *testing.T) {
	t.Parallel()
	inAttempt(t, TokenTrace{Lost: true}, func(ctx context.Context) {
		temporal := &server{}
		j := openJournal(ctx, temporal.record, TokenTrace{})
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		require.Error(t, j.write(ctx, TokenTrace{Lost: true}))
		j.correct(ctx, TokenTrace{})
		require.Equal(t, []any{TokenTrace{}}, temporal.seen(errors.New("Temporal cannot be reached")))
		j.correct(ctx, TokenTrace{Lost: true})
		require.Equal(t, TokenTrace{Lost: true}, j.last(), "the next heartbeat brings it")
	})
}

func TestHeartbeatsGoOnAfterACancellation(t *testing.T) {
	t.Parallel()
	inAttempt(t, nil, func(ctx context.Context) {
		server := &server{took: make(chan struct{})}
		j := openJournal(ctx, server.record, Posting{})
		require.NoError(t, j.write(ctx, Posting{Before: "NONE"}))
		_ = server.seen(temporal.NewCanceledError())
		kept, stop := j.keep(ctx)
		<-kept.Done()
		require.True(t, temporal.IsCanceledError(context.Cause(kept)))
		for range 2 {
			select {
			case <-server.took:
			case <-time.After(10 * time.Second):
				require.Fail(t, "the heartbeats have ended")
			}
		}
		stop()
		for _, entry := range server.seen(nil) {
			require.Equal(t, Posting{Before: "NONE"}, entry)
		}
	})
}
