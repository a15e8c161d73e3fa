package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/activity"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/internal/seeded"
	"github.com/migrationlink/migrationlink/redact"
)

// notOpenedMetric counts sealed link-tokens that this worker could not open.
const notOpenedMetric = "migrationlink_token_openings_failed"

// linkToken returns the link-token that the request names.
func (c *Clients) linkToken(ctx context.Context, in CreateLinkInput) (redact.Secret, error) {
	if in.Token.Sealed == "" {
		token, err := c.Tokens.Resolve(in.Token)
		if err != nil {
			return redact.Secret{}, tokenUnavailable(err)
		}
		return token, nil
	}
	token, err := c.Identities.Open(in.Manager, in.OrgID, in.Token)
	if err != nil {
		activity.GetMetricsHandler(ctx).WithTags(map[string]string{"manager": in.Manager}).Counter(notOpenedMetric).Inc(1)
		return redact.Secret{}, tokenNotOpened(err)
	}
	return token, nil
}

func tokenUnavailable(err error) error {
	if secret.IsLocal(err) && !seeded.On(seeded.LocalTroubleFinal) {
		found := passing(migrationlink.ErrWorkerUnavailable, "The call is retried, on any worker, until the deadline.", nil)
		found.Message = "token.ref: " + err.Error()
		return found.applicationError(minDelay)
	}
	return refusal(migrationlink.ErrTokenUnavailable, "token.ref: "+err.Error(),
		"Make the link-token available as the problem says, or use another source. A new variable needs a restart of every worker.")
}

// tokenNotOpened quotes only package seal, which never repeats what was sealed.
func tokenNotOpened(err error) error {
	problem := migrationlink.Problem{
		Type:    migrationlink.ErrTokenNotOpened,
		Message: "token.sealed: the sealed link-token cannot be opened",
		Remedy:  "Seal the link-token again, and use the new one in the request.",
	}
	if why, ok := errors.AsType[*seal.NotOpenedError](err); ok {
		problem.Message += ": " + why.Reason
		problem.Remedy = why.Remedy
		if why.NoIdentities {
			problem.Code = migrationlink.CodeNoIdentities
		}
	}
	return finding{final: true, Problem: problem}.applicationError(0)
}
