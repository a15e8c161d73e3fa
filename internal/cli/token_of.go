package cli

import (
	"context"
	"fmt"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seal"
)

// retryCommand is the one that lets a blocked link go on. What is sealed stays as
// it is, so that another link-token has to come with the command; what a reference
// names is read anew, and what is made in Atlas is made anew.
func (o observation) retryCommand() string {
	command := "starter retry " + o.run.flags()
	if o.blockedByToken() && o.token.Sealed != "" && !o.lacksIdentity() {
		command += " --token-stdin"
	}
	return command
}

// blockedByToken tells whether the link-token itself may have to be another one.
func (o observation) blockedByToken() bool {
	return o.blocked() && o.problem != nil &&
		(o.problem.Type == migrationlink.ErrTokenNotOpened || o.problem.Type == migrationlink.ErrTokenRejected)
}

// lacksIdentity tells whether the configuration of the workers is what is wrong:
// no other link-token would help.
func (o observation) lacksIdentity() bool {
	return strings.Contains(o.problem.Message, seal.NoIdentities)
}

// tokenSource is tokenOf, read anew when something was added to the history. It is
// empty when it cannot be read.
func (o *observer) tokenSource(ctx context.Context, events int64) migrationlink.TokenSource {
	if o.token == (migrationlink.TokenSource{}) || o.tokenEvents != events {
		if token, err := o.server.tokenOf(ctx, o.run); err == nil {
			o.token, o.tokenEvents = token, events
		}
	}
	return o.token
}

func (s *server) tokenOf(ctx context.Context, run linkRun) (migrationlink.TokenSource, error) {
	link, err := s.linkOf(ctx, run)
	return link.Token, err
}

// linkOf reads from the history what a link was asked for, with the link-token of
// the last retry that said one.
func (s *server) linkOf(ctx context.Context, run linkRun) (migrationlink.LinkRequest, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var link migrationlink.LinkRequest
	events := s.GetWorkflowHistory(ctx, run.workflowID(), run.runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return migrationlink.LinkRequest{}, err
		}
		if started := event.GetWorkflowExecutionStartedEventAttributes(); started != nil {
			if err := converter.GetDefaultDataConverter().FromPayloads(started.GetInput(), &link); err != nil {
				return migrationlink.LinkRequest{}, err
			}
		}
		link.Token = retriedWith(link, event.GetWorkflowExecutionSignaledEventAttributes())
	}
	return link, nil
}

// tokenText says where a link-token is from. A source that is wrong may hold the
// link-token itself, and is not shown.
func tokenText(source migrationlink.TokenSource) string {
	switch {
	case source.Validate() != nil:
		return ""
	case source.Atlas != nil:
		return fmt.Sprintf("made in Atlas %q, for its organization %s", source.Atlas.Name, source.Atlas.OrgID)
	case source.Fingerprint != "":
		return "sealed, fingerprint " + source.Fingerprint
	case source.Sealed != "":
		return "sealed"
	}
	return source.Ref
}

// retriedWith is the source after a signal, which may be none. The workflow does
// not take every one.
func retriedWith(link migrationlink.LinkRequest, signal *historypb.WorkflowExecutionSignaledEventAttributes) migrationlink.TokenSource {
	var retry migrationlink.RetryRequest
	if signal.GetSignalName() != migrationlink.RetrySignal ||
		converter.GetDefaultDataConverter().FromPayloads(signal.GetInput(), &retry) != nil || retry.Token == nil {
		return link.Token
	}
	asked := link
	asked.Token = *retry.Token
	if asked.Validate() != nil {
		return link.Token
	}
	return asked.Token
}
