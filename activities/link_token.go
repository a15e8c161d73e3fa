package activities

import (
	"errors"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/seal"
	"github.com/migrationlink/migrationlink/redact"
)

// linkToken is the one that a link is created with; none where it is not made
// yet.
func (c *Clients) linkToken(in CreateLinkInput) (redact.Secret, error) {
	switch {
	case in.NoToken:
		return redact.Secret{}, nil
	case in.Token.Sealed != "":
		token, err := c.Identities.Open(in.Manager, in.OrgID, in.Token)
		if err != nil {
			return redact.Secret{}, tokenNotOpened(err)
		}
		return token, nil
	}
	token, err := c.Tokens.Resolve(in.Token)
	if err != nil {
		return redact.Secret{}, tokenUnavailable(err)
	}
	return token, nil
}

func tokenUnavailable(err error) error {
	return final(migrationlink.Problem{
		Type:    migrationlink.ErrTokenUnavailable,
		Message: "token.ref: " + err.Error(),
		Remedy:  "Or name another source of the link-token. A variable needs a restart of every worker.",
	})
}

// tokenNotOpened takes over the words of package seal only: they repeat nothing of
// what was sealed.
func tokenNotOpened(err error) error {
	problem := migrationlink.Problem{
		Type:    migrationlink.ErrTokenNotOpened,
		Message: "token.sealed: the sealed link-token cannot be opened",
		Remedy:  "Seal the link-token again, and name that one.",
	}
	if why, ok := errors.AsType[*seal.NotOpenedError](err); ok {
		problem.Message += ": " + why.Reason
		problem.Remedy = why.Remedy
	}
	return final(problem)
}

// notSealable is found out before anything is made in Atlas.
func notSealable() error {
	return final(migrationlink.Problem{
		Type:    migrationlink.ErrTokenNotOpened,
		Message: "the worker has no identity to seal a link-token to, so that none was made in Atlas: tokens.identities is empty",
		Remedy:  "Make one with starter keygen, and name its file in tokens.identities of every worker.",
	})
}
