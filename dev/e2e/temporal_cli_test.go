package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/dev/schema"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

func TestTheCommandsOfTheDocumentationWorkAsTyped(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	c := s.commandLine()
	org := newOrg()
	s.shape(org, map[string]any{"sync": "never"})
	commands := documented(t)
	for _, name := range []string{"operator nexus endpoint create ", "workflow start ", "workflow query ", "workflow signal "} {
		require.Contains(t, strings.Join(commands, "\n"), "temporal "+name)
	}
	for _, command := range commands {
		command = strings.ReplaceAll(command, "5f1b2c3d4e5f6a7b8c9d0e1f", org)
		done := c.run(strings.Replace(command, "--name migration-link", "--name as-documented", 1)) // the stack has created the other
		require.Zero(t, done.code, "%s\n%s%s", command, done.stdout, done.stderr)
	}
	result, told := migrationlink.ResultOf(s.temporal.GetWorkflow(t.Context(), migrationlink.WorkflowID("demo", org), "").Get(t.Context(), nil))
	require.True(t, told)
	require.Equal(t, migrationlink.OutcomeCancelled, result.Outcome)
	require.NotEmpty(t, result.CancelReason)

	var documented, ours struct{ Spec struct{ Target any } }
	c.json(&documented, "operator nexus endpoint get --name as-documented")
	c.json(&ours, "operator nexus endpoint get --name "+migrationlink.NexusEndpoint)
	require.NotNil(t, ours.Spec.Target)
	require.Equal(t, ours, documented, "both lead to the workers")
}

func TestTheSameRequestOnTheCommandLineGivesTheSameResult(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	c := s.commandLine()
	for name, test := range map[string]struct {
		shape   map[string]any
		change  func(*migrationlink.LinkRequest)
		outcome migrationlink.Outcome
	}{
		"linked":         {map[string]any{"syncDelay": "0s"}, nil, migrationlink.OutcomeLinked},
		"already linked": {map[string]any{"linked": true}, nil, migrationlink.OutcomeAlreadyLinked},
		"failed":         {map[string]any{"refusal": opsmanagertest.RefusedRole}, nil, migrationlink.OutcomeFailed},
		"invalid":        {nil, func(r *migrationlink.LinkRequest) { r.Undo = "perhaps" }, migrationlink.OutcomeFailed},
		"timed out": {map[string]any{"sync": "never"}, func(r *migrationlink.LinkRequest) { r.SyncTimeout, r.Undo = "3s", migrationlink.UndoAlways },
			migrationlink.OutcomeTimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := c.in(t)
			request := func() migrationlink.LinkRequest {
				request := linkRequest(newOrg())
				if test.change != nil {
					test.change(&request)
				}
				if test.shape != nil {
					c.shape(request.OrgID, test.shape)
				}
				return request
			}
			byCommand, byGo := request(), request()
			have := c.execute(byCommand)
			require.Equal(t, test.outcome, have.Outcome)

			var want migrationlink.LinkResult
			run := c.begin(byGo.OrgID, test.change)
			if err := run.Get(t.Context(), &want); err != nil {
				var told bool
				want, told = migrationlink.ResultOf(err)
				require.True(t, told)
			}
			require.Equal(t, alike(t, want), alike(t, have))
		})
	}
}

// alike removes what differs between two organizations.
func alike(t *testing.T, result migrationlink.LinkResult) migrationlink.LinkResult {
	t.Helper()
	text, err := json.Marshal(result)
	require.NoError(t, err)
	same := strings.ReplaceAll(string(text), result.OrgID, "ORG")
	result = migrationlink.LinkResult{}
	require.NoError(t, json.Unmarshal([]byte(same), &result))
	require.False(t, result.EndedAt.IsZero())
	result.StartedAt, result.CreatedAt, result.SyncedAt, result.EndedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	result.Polls = 0
	if result.Problem != nil && result.Problem.Type == migrationlink.ErrTimedOut {
		result.Problem.Message = "" // it contains times
	}
	return result
}

func TestEveryMessageOfALinkMatchesTheSchema(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.worker("")
	c := s.commandLine()
	request := linkRequest(newOrg())
	s.shape(request.OrgID, map[string]any{"sync": "never"})
	id := "--workflow-id " + migrationlink.WorkflowID("demo", request.OrgID)
	c.json(nil, workflowCommand("start", migrationlink.LinkWorkflow, id, c.text("LinkRequest", request)))

	var updated struct{ Result json.RawMessage }
	for _, update := range []struct {
		name, definition, answer string
		input                    any
	}{
		{migrationlink.AcceptUpdate, "StartRequest", "Status", migrationlink.NewStartRequest(request)},
		{migrationlink.CheckUpdate, "", "Check", nil},
		{migrationlink.ExtendUpdate, "ExtendRequest", "Extension", migrationlink.ExtendRequest{By: "1h"}},
	} {
		command := "workflow update execute --name " + update.name + " " + id
		if update.input != nil {
			command += " --input '" + c.text(update.definition, update.input) + "'"
		}
		c.json(&updated, command)
		c.valid(update.answer, updated.Result)
	}

	var queried struct{ QueryResult []json.RawMessage }
	c.json(&queried, "workflow query --type status "+id)
	c.valid("Status", queried.QueryResult[0])
	c.valid("Progress", c.progress(request.OrgID))

	other := request
	other.Undo = migrationlink.UndoNever
	c.valid(schema.FieldProblems, c.refused(request.OrgID, migrationlink.AcceptUpdate, migrationlink.NewStartRequest(other)))
	c.valid(schema.FieldProblems, c.refused(request.OrgID, migrationlink.ExtendUpdate, migrationlink.ExtendRequest{By: "-1h"}))

	done := c.run("temporal workflow signal --name cancel " + id + " --input '" + c.text("CancelRequest", migrationlink.CancelRequest{Reason: "enough"}) + "'")
	require.Zero(t, done.code, done.stderr)
	result := c.ended("workflow result " + id)
	require.Equal(t, migrationlink.OutcomeCancelled, result.Outcome)
	require.Equal(t, "enough", result.CancelReason)
	c.json(&queried, "workflow query --type status "+id)
	c.valid("Status", queried.QueryResult[0])

	var inspected struct{ Result json.RawMessage }
	c.json(&inspected, workflowCommand("execute", migrationlink.InspectWorkflow, "--workflow-id inspection", c.text("InspectRequest", migrationlink.InspectRequest{Call: true})))
	c.valid("Inspection", inspected.Result)
	c.json(&inspected, workflowCommand("execute", migrationlink.AssessWorkflow, "--workflow-id assessment", c.text("AssessRequest", migrationlink.AssessRequest{Manager: "demo", OrgID: request.OrgID})))
	c.valid("Assessment", inspected.Result)
	c.json(&inspected, workflowCommand("execute", migrationlink.OrganizationsWorkflow, "--workflow-id organizations", c.text("OrganizationsRequest", migrationlink.OrganizationsRequest{Manager: "demo", Page: 1})))
	c.valid("Organizations", inspected.Result)
}

// progress returns what the last poll of the waiting activity has seen.
func (c *commandLine) progress(org string) (details []byte) {
	c.t.Helper()
	c.eventually(func() bool {
		described, err := c.temporal.DescribeWorkflowExecution(c.t.Context(), migrationlink.WorkflowID("demo", org), "")
		require.NoError(c.t, err)
		for _, activity := range described.PendingActivities {
			if payloads := activity.GetLastFailure().GetApplicationFailureInfo().GetDetails().GetPayloads(); len(payloads) == 2 {
				details = payloads[1].Data
			}
		}
		return details != nil
	})
	return details
}

// refused returns the details of a refused update.
func (c *commandLine) refused(org, update string, input any) []byte {
	c.t.Helper()
	handle, err := c.temporal.UpdateWorkflow(c.t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: migrationlink.WorkflowID("demo", org), UpdateName: update, Args: []any{input}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(c.t.Context(), nil)
	}
	refusal, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(c.t, ok, "%v", err)
	c.valid(schema.ErrorType, marshalled(c.t, refusal.Type()))
	var details converter.RawValue
	require.NoError(c.t, refusal.Details(&details))
	return details.Payload().GetData()
}

// commandLine is a shell with the command temporal.
type commandLine struct {
	*system
	path     string
	contract *schema.Validator
}

func (s *system) commandLine() *commandLine {
	s.t.Helper()
	text, err := schema.Generate("../..", schema.OfThisVersion)
	require.NoError(s.t, err)
	contract, err := schema.NewValidator(text)
	require.NoError(s.t, err)
	program, err := temporalProgram()
	require.NoError(s.t, err)
	return &commandLine{s, filepath.Dir(program), contract}
}

func (c *commandLine) in(t *testing.T) *commandLine {
	t.Helper()
	return &commandLine{c.system.in(t), c.path, c.contract}
}

func (c *commandLine) run(line string) finished {
	c.t.Helper()
	env := append(append([]string{}, c.env...), "PATH="+c.path+string(os.PathListSeparator)+os.Getenv("PATH"),
		"HOME="+c.dir, "XDG_CONFIG_HOME="+c.dir) // without the configuration of the user
	return runProgram(c.t, env, "/bin/sh", "-c", line)
}

// json runs a command that must succeed and decodes its output.
func (c *commandLine) json(into any, command string) {
	c.t.Helper()
	done := c.run("temporal " + command + " --output json")
	require.Zero(c.t, done.code, "%s\n%s%s", command, done.stdout, done.stderr)
	if into != nil {
		require.NoError(c.t, json.Unmarshal([]byte(done.stdout), into), done.stdout)
	}
}

func workflowCommand(verb, workflow, flags, input string) string {
	return fmt.Sprintf("workflow %s --type %s --task-queue %s %s --input '%s'", verb, workflow, migrationlink.TaskQueue, flags, input)
}

// execute links and waits for the outcome.
func (c *commandLine) execute(request migrationlink.LinkRequest) migrationlink.LinkResult {
	c.t.Helper()
	return c.ended(workflowCommand("execute", migrationlink.LinkWorkflow, "--workflow-id "+migrationlink.WorkflowID(request.Manager, request.OrgID),
		string(marshalled(c.t, request))))
}

// ended runs a command that waits for a workflow, and returns how that ended.
func (c *commandLine) ended(command string) (result migrationlink.LinkResult) {
	c.t.Helper()
	type failure struct {
		ApplicationFailureInfo struct {
			Type    string
			Details json.RawMessage
		}
	}
	var printed struct {
		Result     json.RawMessage
		CloseEvent struct {
			WorkflowExecutionFailedEventAttributes   *struct{ Failure failure }
			WorkflowExecutionCanceledEventAttributes *struct{ Details json.RawMessage }
		}
	}
	done := c.run("temporal " + command + " --output json")
	require.NoError(c.t, json.Unmarshal([]byte(done.stdout), &printed), "%s\n%s", done.stdout, done.stderr)
	details := printed.CloseEvent
	switch {
	case done.code == 0:
		c.valid("LinkResult", printed.Result)
		require.NoError(c.t, json.Unmarshal(printed.Result, &result))
		return result
	case details.WorkflowExecutionFailedEventAttributes != nil:
		failed := details.WorkflowExecutionFailedEventAttributes.Failure.ApplicationFailureInfo
		c.valid(schema.ErrorType, marshalled(c.t, failed.Type))
		printed.Result = failed.Details
	case details.WorkflowExecutionCanceledEventAttributes != nil:
		printed.Result = details.WorkflowExecutionCanceledEventAttributes.Details
	}
	c.valid(schema.FailureDetails, printed.Result)
	require.NoError(c.t, json.Unmarshal(printed.Result, &[]any{&result}))
	return result
}

// text returns the JSON of a request and checks it against the contract.
func (c *commandLine) text(definition string, request any) string {
	c.t.Helper()
	text := marshalled(c.t, request)
	c.valid(definition, text)
	return string(text)
}

func (c *commandLine) valid(definition string, message []byte) {
	c.t.Helper()
	require.NoError(c.t, c.contract.Validate(definition, message), "%s", message)
}

func marshalled(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return text
}

// documented returns the commands of temporal on the pages for callers.
func documented(t *testing.T) (lines []string) {
	t.Helper()
	for _, page := range []string{"call-from-a-workflow.md", "call-from-another-language.md"} {
		text, err := os.ReadFile("../../docs/how-to/" + page)
		require.NoError(t, err)
		for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", "")) {
			if command, ok := strings.CutPrefix(line, "temporal "); ok {
				lines = append(lines, "temporal "+strings.TrimSpace(command))
			}
		}
	}
	return lines
}
