package activities

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seeded"
)

// LastFailure finds a T in the error of an activity. It does not look behind a timeout:
// its cause is the failure of an earlier attempt, not what happened last.
func LastFailure[T error](err error) (found T, ok bool) {
	for err != nil {
		if found, ok = err.(T); ok { //nolint:errorlint // it unwraps itself
			return found, true
		}
		switch wrapped := err.(type) { //nolint:errorlint // likewise
		case *temporal.TimeoutError:
			if !seeded.On(seeded.StaleCause) {
				return found, false
			}
		case interface{ Unwrap() []error }:
			for _, joined := range wrapped.Unwrap() {
				if found, ok = LastFailure[T](joined); ok {
					return found, true
				}
			}
			return found, false
		}
		err = errors.Unwrap(err)
	}
	return found, false
}

// LostPosting reports whether the attempt of CreateLink that ended with err may have
// created a link, and returns its journal entry. It may have if the error says so, or if
// the attempt vanished after it wrote the entry. An attempt that no worker started, and a
// cancelled one, created nothing.
func LostPosting(err error) (posting Posting, lost bool) {
	if _, ok := LastFailure[*temporal.PanicError](err); ok {
		return Posting{}, true // nobody knows how far it came
	}
	if timeout, ok := LastFailure[*temporal.TimeoutError](err); ok && timeout.HasLastHeartbeatDetails() {
		lost = timeout.LastHeartbeatDetails(&posting) == nil && posting.Before != ""
		return posting, lost
	}
	applicationError, ok := LastFailure[*temporal.ApplicationError](err)
	if !ok {
		return posting, false
	}
	var problem migrationlink.Problem
	_ = applicationError.Details(&problem, &posting) // none, or those of another version: Before is unknown
	return posting, applicationError.Type() == migrationlink.ErrReplyLost
}
