package link

import (
	"encoding/json"
	"regexp"
	"slices"
	"unicode/utf8"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/payload"
	"github.com/migrationlink/migrationlink/redact"
)

// Joining is the payload of the signal join: a workflow waits for the end of
// the one that it sends it to.
type Joining struct {
	Request    migrationlink.StartRequest `json:"request"`
	WorkflowID string                     `json:"workflowId"`
	RunID      string                     `json:"runId"`
	// Proof is a random text that the answer must carry: nobody else knows it.
	Proof string `json:"proof,omitempty"`
}

// Answer is the payload of the signal answer.
type Answer struct {
	Proof string `json:"proof,omitempty"`
	// Refused reports whether the workflow has as many guests as it can answer.
	Refused bool `json:"refused,omitempty"`
	// Different says why the request was refused.
	Different []migrationlink.FieldProblem `json:"different,omitempty"`
	// Result is the outcome of the joined workflow. It is nil if that workflow was already
	// ending when the guest joined: the guest then starts the request again.
	Result *migrationlink.LinkResult `json:"result,omitempty"`
}

// guestAddress is what is kept of a guest: its request, which can be large, is only compared.
type guestAddress struct{ WorkflowID, RunID, Proof string }

// guests are the workflows that have joined this one.
type guests struct {
	joins workflow.ReceiveChannel
	// waiting are told the end; late came when it was being cancelled or undone.
	waiting, late []guestAddress
	answers       []workflow.Future // on the way
	count         int               // of all that have joined
}

const (
	// maxGuests bounds how many workflows are told the end. Each costs two events, and
	// 1.1 kB of memory at most.
	maxGuests = 1000
	// maxRefusals bounds how many more are told so: all that are on the way at once
	// must stay below what Temporal permits.
	maxRefusals = 500
	// answersAtOnce is well below the signals that Temporal lets one workflow have
	// on the way (2,000).
	answersAtOnce = 100
	// maxIDLength is Temporal's limit for the id of a workflow, in bytes.
	maxIDLength = 1000
	// maxDifference limits what a guest is told about the fields that differ, in bytes of JSON:
	// the answers to all guests may go out in one task, which Temporal limits to 4 MiB.
	maxDifference = 1000
)

// runID is the form of the id of a run. Temporal fails a workflow task that signals
// another one.
var runID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// address returns what an answer needs.
func (j Joining) address() guestAddress { return guestAddress{j.WorkflowID, j.RunID, j.Proof} }

// isAddressed reports whether an answer can be sent.
func (j Joining) isAddressed() bool {
	return j.WorkflowID != "" && len(j.WorkflowID) <= maxIDLength && utf8.ValidString(j.WorkflowID) && runID.MatchString(j.RunID) && len(j.Proof) <= maxProof
}

// takeJoins takes in the workflows that wait for this one's end.
func (o *operation) takeJoins(ctx workflow.Context) {
	var input converter.RawValue
	for o.guests.joins.ReceiveAsync(&input) {
		var joining Joining
		if err := payload.Decode(input, &joining); err != nil || !joining.isAddressed() || joining.Request.Validate() != nil {
			workflow.GetLogger(ctx).Warn("join refused: the signal names no workflow that can be answered, or has no valid request")
		} else {
			o.takeJoin(ctx, joining)
		}
		input = converter.RawValue{}
	}
}

func (o *operation) takeJoin(ctx workflow.Context, joining Joining) {
	g, guest := &o.guests, joining.address()
	same := func(known guestAddress) bool { return known.RunID == guest.RunID && known.Proof == guest.Proof }
	if slices.ContainsFunc(g.waiting, same) || slices.ContainsFunc(g.late, same) {
		return
	}
	g.count++
	var different []migrationlink.FieldProblem
	if !o.invalid { // it would show its values, which may be secrets
		different = o.asked.Difference(joining.Request)
	}
	if len(different) > 0 && len(o.first.Difference(joining.Request)) == 0 &&
		workflow.GetVersion(ctx, "join-as-started", workflow.DefaultVersion, 1) != workflow.DefaultVersion {
		different = nil // it was retried with another link-token since
	}
	switch {
	case g.count > maxGuests+maxRefusals:
		// Not answered at all: somebody sends these without end.
	case g.count > maxGuests:
		g.answers = append(g.answers, guest.answer(ctx, Answer{Refused: true}))
	case len(different) > 0:
		g.answers = append(g.answers, guest.answer(ctx, Answer{Different: brief(different)}))
	case o.isEnding(), o.invalid:
		g.late = append(g.late, guest)
	default:
		g.waiting = append(g.waiting, guest)
	}
}

// brief shortens what differs. It names every field.
func brief(different []migrationlink.FieldProblem) []migrationlink.FieldProblem {
	for most := maxDifference; ; most /= 2 {
		for i := range different {
			different[i].Problem = redact.Line(different[i].Problem, most)
		}
		if text, err := json.Marshal(different); err != nil || len(text) <= maxDifference || most == 0 {
			return different
		}
	}
}

// answerGuests tells the end to those that wait for it, and reports whether anybody
// did.
func (o *operation) answerGuests(ctx workflow.Context) bool {
	waiting, late, answers := o.guests.waiting, o.guests.late, o.guests.answers
	o.guests.waiting, o.guests.late, o.guests.answers = nil, nil, nil
	for _, sent := range answers {
		_ = sent.Get(ctx, nil) // it does not wait any more
	}
	for batch := range slices.Chunk(waiting, answersAtOnce) {
		answerAll(ctx, batch, Answer{Result: &o.result})
	}
	for batch := range slices.Chunk(late, answersAtOnce) {
		answerAll(ctx, batch, Answer{})
	}
	return len(waiting)+len(late)+len(answers) > 0
}

func answerAll(ctx workflow.Context, guests []guestAddress, answer Answer) {
	sent := make([]workflow.Future, len(guests))
	for i, guest := range guests {
		sent[i] = guest.answer(ctx, answer)
	}
	for _, future := range sent {
		_ = future.Get(ctx, nil) // it does not wait any more
	}
}

func (a guestAddress) answer(ctx workflow.Context, answer Answer) workflow.Future {
	answer.Proof = a.Proof
	return workflow.SignalExternalWorkflow(ctx, a.WorkflowID, a.RunID, migrationlink.AnswerSignal, answer)
}
