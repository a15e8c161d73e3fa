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
		Remedy:  "Give it to every worker (a variable needs a restart of the worker), or name another reference.",
	})
}

// tokenNotOpened takes over the words of package seal only: they repeat nothing of
// what was sealed.
func tokenNotOpened(err error) error {
	message := seal.ErrNotOpened.Error()
	if errors.Is(err, seal.ErrNotOpened) {
		message = err.Error()
	}
	return final(migrationlink.Problem{
		Type:    migrationlink.ErrTokenNotOpened,
		Message: "token.sealed: " + message,
		Remedy:  "Give every worker the identity that it is sealed to (tokens.identities), or seal the link-token anew for this organization (starter seal) and name that one.",
	})
}

// notSealable is found out before anything is made in Atlas.
func notSealable() error {
	return final(migrationlink.Problem{
		Type:    migrationlink.ErrTokenNotOpened,
		Message: "the worker has no identity to seal a link-token to, so that none was made in Atlas: tokens.identities is empty",
		Remedy:  "Make one with starter keygen, and name its file in tokens.identities of every worker.",
	})
}
