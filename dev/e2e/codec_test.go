package e2e_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/dev/freeport"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

// withCodec starts the worker of examples/codec, and its codec server for the starter.
func (s *system) withCodec(program, codec string) (endpoint string) {
	s.t.Helper()
	env := append(append([]string{}, s.env...), "PAYLOAD_CODEC="+codec, "PAYLOAD_KEY="+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	server := start(s.t, env, program, "-serve", "127.0.0.1:0")
	server.waitFor("\n")
	_, endpoint, _ = strings.Cut(strings.TrimSpace(server.output.String()), "=")
	worker := start(s.t, env, program, "--config", filepath.Join(s.dir, "worker.toml"))
	worker.waitFor("worker ready")
	s.env = append(append([]string{}, s.env...), "TEMPORAL_CODEC_ENDPOINT="+endpoint)
	return endpoint
}

// The commands of the README, with another port.
func TestTheCodecExampleRunsAsItsReadmeSays(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	shown := shownTo(t, "codec_test.go", "examples/README.md")
	ports, err := freeport.Take(1)
	require.NoError(t, err)
	typed := func(name string) string {
		return "set -e\n" + strings.NewReplacer("127.0.0.1:8081", fmt.Sprintf("127.0.0.1:%d", ports[0]), ".dev/", s.dir+"/").Replace(strings.Join(shown[name], "\n"))
	}
	commands := t.TempDir()
	imitateGo(t, commands)
	env := append(slices.Clone(s.env), "PATH="+commands+string(os.PathListSeparator)+os.Getenv("PATH"))
	both := start(t, env, "bash", "-c", typed("start")+"\ntrap 'kill $(jobs -p); wait' TERM; wait")
	both.waitFor("worker ready")
	both.waitFor("export TEMPORAL_CODEC_ENDPOINT=")
	done := runProgram(t, env, "/bin/sh", "-c", typed("link"))
	require.Zero(t, done.code, done.stderr)
	encodedSystem{system: s, encoding: "binary/encrypted"}.requireEncoded("5f1b2c3d4e5f6a7b8c9d0e33")
}

// encodedSystem is a system whose worker and starter use a payload codec.
type encodedSystem struct {
	*system
	endpoint, encoding string
	plainEnv           []string // the environment without the codec
}

func TestAWorkerWithACodecServesCallersThatUseIt(t *testing.T) {
	t.Parallel()
	program := examplePrograms.in(t, "codec")
	for codec, encoding := range map[string]string{"aes": "binary/encrypted", "zlib": "binary/zlib"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			s := encodedSystem{system: newSystem(t), encoding: encoding}
			s.plainEnv = s.env
			s.endpoint = s.withCodec(program, codec)

			linked := newOrg()
			result, code := s.linkJSON(linked)
			require.Zero(t, code)
			require.Equal(t, migrationlink.OutcomeLinked, result.Outcome)
			s.requireEncoded(linked)

			t.Log("signals, updates, queries and memos")
			operatorsControlAnEncodedLink(s)
			t.Log("failures, and who has started what")
			failuresAndMemosAreRead(s)
			t.Log("callers without the codec, and with another key")
			plainAndForeignPayloadsAreHandled(s)

			doctor := s.starter("doctor")
			require.Contains(t, doctor.stdout, s.endpoint+", encoding "+encoding)
			require.Zero(t, doctor.code, doctor.stdout)
		})
	}
}

func operatorsControlAnEncodedLink(s encodedSystem) {
	s.t.Helper()
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	target := []string{"--manager", "demo", "--org", org}
	require.Zero(s.t, s.starter("link", "--manager", "demo", "--org", org, "--token-ref", "env:LINK_TOKEN_DEMO", "--detach").code)
	require.Contains(s.t, s.starter("link", "--manager", "demo", "--org", org, "--token-ref", "env:LINK_TOKEN_DEMO", "--detach").stderr, "Joined the running link", "the memo and the input are read")
	for _, args := range [][]string{{"extend", "--by", "30m"}, {"check"}} {
		done := s.starter(append(args, target...)...)
		require.Zero(s.t, done.code, "%s: %s", args, done.stderr)
	}
	status := s.starter(append([]string{"status", "-o", "json"}, target...)...)
	require.Contains(s.t, status.stdout, `"syncing"`, status.stderr)
	require.NotContains(s.t, status.stdout, "no worker")
	unread := runProgram(s.t, s.plainEnv, starterProgram, append([]string{"status"}, target...)...)
	require.Contains(s.t, unread.stdout+unread.stderr, `has the encoding "`+s.encoding+`" of a payload codec, but no codec is set`)
	require.Contains(s.t, unread.stdout+unread.stderr, "Set TEMPORAL_CODEC_ENDPOINT")
	guest := s.beginEncoded(s.endpoint, "platform-"+org, org)
	s.eventually(func() bool { return s.tookAJoin(org) }) // or the guest would start a link of its own after the end of this one
	require.Zero(s.t, s.starter(append([]string{"cancel", "--reason", "the wrong target"}, target...)...).code)
	var canceled migrationlink.LinkResult
	require.Error(s.t, s.through(s.endpoint).GetWorkflow(s.t.Context(), guest.GetID(), guest.GetRunID()).Get(s.t.Context(), &canceled), "a guest is told the end")
	s.eventually(func() bool { return s.evidence(org).LinkStatus == opsmanagertest.StatusNone })
	done := s.starter(append([]string{"status"}, target...)...)
	require.Contains(s.t, done.stdout+done.stderr, "the wrong target", "the result of a cancellation is in its failure")
	s.requireEncoded(org)
}

// tookAJoin reports whether the link of an organization has processed a guest. Only the codec
// could read which one.
func (s encodedSystem) tookAJoin(org string) bool {
	s.t.Helper()
	asked := false
	for _, event := range s.history(migrationlink.WorkflowID("demo", org), "") {
		asked = asked || event.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == migrationlink.JoinSignal
		if asked && event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			return true
		}
	}
	return false
}

func failuresAndMemosAreRead(s encodedSystem) {
	s.t.Helper()
	blocked := newOrg()
	s.shape(blocked, map[string]any{"refusal": opsmanagertest.RefusedRole})
	target := []string{"--manager", "demo", "--org", blocked}
	require.Equal(s.t, 9, s.starter(append([]string{"link", "--token-ref", "env:LINK_TOKEN_DEMO", "--on-blocked", "wait", "--detach"}, target...)...).code)
	require.Contains(s.t, s.starter("list", "--state", "blocked").stdout, blocked, "the memo is read")
	s.shape(blocked, map[string]any{"refusal": opsmanagertest.NoRefusal, "syncDelay": "0s"})
	retried := s.starter(append([]string{"retry"}, target...)...)
	require.Zero(s.t, retried.code, retried.stderr)
	_ = s.through(s.endpoint).GetWorkflow(s.t.Context(), migrationlink.WorkflowID("demo", blocked), "").Get(s.t.Context(), nil)
	s.requireEncoded(blocked)
	child := newOrg()
	require.NoError(s.t, s.beginEncoded(s.endpoint, "platform-"+child, child).Get(s.t.Context(), nil))
	require.Contains(s.t, s.starter("status", "-o", "json", "--manager", "demo", "--org", child).stdout, "the platform", "the memo is passed on")
	s.requireEncoded(child)
	refused, code := s.linkJSON(newOrg(), "--manager", "nobody")
	require.Equal(s.t, 3, code)
	require.Contains(s.t, refused.Problem.Message, `no worker has "nobody" in its configuration`)
}

func plainAndForeignPayloadsAreHandled(s encodedSystem) {
	s.t.Helper()
	plain := newOrg()
	var served migrationlink.LinkResult
	_ = s.begin(plain, nil).Get(s.t.Context(), nil)
	require.NoError(s.t, s.through(s.endpoint).GetWorkflow(s.t.Context(), migrationlink.WorkflowID("demo", plain), "").Get(s.t.Context(), &served))
	require.Equal(s.t, migrationlink.OutcomeLinked, served.Outcome)
	foreign := converter.NewRawValue(&commonpb.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte(s.encoding)}, Data: []byte("of another key")})
	other := newOrg()
	_, err := s.temporal.ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{ID: migrationlink.WorkflowID("demo", other), TaskQueue: migrationlink.TaskQueue}, migrationlink.LinkWorkflow, foreign)
	require.NoError(s.t, err)
	err = s.through(s.endpoint).GetWorkflow(s.t.Context(), migrationlink.WorkflowID("demo", other), "").Get(s.t.Context(), nil)
	require.ErrorContains(s.t, err, `has the encoding "`+s.encoding+`"`)
	stays := newOrg()
	s.shape(stays, map[string]any{"sync": "never"})
	run := s.begin(stays, nil)
	s.eventually(func() bool { return s.evidence(stays).EffectivePosts == 1 })
	require.NoError(s.t, s.temporal.SignalWorkflow(s.t.Context(), run.GetID(), run.GetRunID(), migrationlink.CancelSignal, foreign))
	require.Error(s.t, run.Get(s.t.Context(), nil))
	require.Equal(s.t, opsmanagertest.StatusNone, s.evidence(stays).LinkStatus, "what nobody can read cancels, too")
}

// through returns a client that uses the remote codec.
func (s *system) through(endpoint string) client.Client {
	s.t.Helper()
	data := converter.NewRemoteDataConverter(converter.GetDefaultDataConverter(), converter.RemoteDataConverterOptions{Endpoint: endpoint})
	connection, err := client.Dial(client.Options{HostPort: s.variable("TEMPORAL_ADDRESS"), Logger: silent{}, DataConverter: data,
		FailureConverter: temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{DataConverter: data})})
	require.NoError(s.t, err)
	s.t.Cleanup(connection.Close)
	return connection
}

// beginEncoded starts a link under an id that the caller chose.
func (s *system) beginEncoded(endpoint, id, org string) client.WorkflowRun {
	s.t.Helper()
	run, err := s.through(endpoint).ExecuteWorkflow(s.t.Context(), client.StartWorkflowOptions{
		ID: id, TaskQueue: migrationlink.TaskQueue, Memo: map[string]any{migrationlink.StartedByMemo: "the platform"},
	}, migrationlink.LinkWorkflow, migrationlink.LinkRequest{Manager: "demo", OrgID: org, Token: migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"}})
	require.NoError(s.t, err)
	return run
}

// requireEncoded fails if the history shows any part of a request, or if a workflow
// task has failed.
func (s *system) requireEncoded(org string) {
	s.t.Helper()
	events := s.history(migrationlink.WorkflowID("demo", org), "")
	require.NotEmpty(s.t, events)
	for _, event := range events {
		require.NotEqual(s.t, enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED, event.GetEventType())
		stored, err := proto.Marshal(event)
		require.NoError(s.t, err)
		for _, word := range []string{"LINK_TOKEN_DEMO", "wrong target", `"orgId"`, `"phase"`, "SYNCED"} {
			require.NotContains(s.t, string(stored), word, "%s", event.GetEventType())
		}
	}
}

func TestAWorkerRefusesACodecThatItDoesNotUse(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	for _, args := range [][]string{{}, {"--check"}} {
		done := runProgram(t, append(append([]string{}, s.env...), "TEMPORAL_CODEC_ENDPOINT=http://127.0.0.1:1"), workerProgram,
			append(args, "--config", filepath.Join(s.dir, "worker.toml"))...)
		require.Equal(t, 2, done.code)
		require.Contains(t, done.stderr, "TEMPORAL_CODEC_ENDPOINT")
		require.Contains(t, done.stderr, "examples/codec")
	}
}
