package words

import (
	"fmt"

	"github.com/migrationlink/migrationlink"
)

// What a request that did not end well leaves at the manager.
const (
	LinkRemoved = "the link was removed again"
	LinkStays   = "the link stays at the manager"
)

// TokensLeft names the link-tokens in Atlas that serve no link. linkStays reports whether
// the request leaves a link that it made.
func TokensLeft(atlas *migrationlink.AtlasResult, linkStays bool) (texts []string) {
	if atlas == nil {
		return nil
	}
	switch left := atlas.TokensLeft; {
	case left == 0:
	case left == 1 && linkStays:
		texts = append(texts, "an earlier link-token is left in Atlas")
	case left == 1:
		texts = append(texts, "the link-token made for this request is left in Atlas")
	default:
		texts = append(texts, fmt.Sprintf("%d link-tokens made for this request are left in Atlas", left))
	}
	if atlas.TokenInDoubt {
		texts = append(texts, TokenInDoubt)
	}
	return texts
}

// TokensLeftRemedy says what to do about them. The call that deletes a link-token takes no
// id, so it may delete one that serves a link.
func TokensLeftRemedy(atlas *migrationlink.AtlasResult, linkStays bool) string {
	switch {
	case atlas == nil || atlas.TokensLeft == 0:
		return ""
	case linkStays:
		return "Keep what is left in Atlas while you need the link: the call that deletes a link-token takes no id, and may remove the link."
	}
	return "To delete what is left in Atlas, run 'atlas liveMigrations link delete' for the target organization, " +
		"but only if it has no other link: the call takes no id. With deleteTokenOnUndo (--delete-token-on-undo), an undo deletes it."
}

// NeedsOtherToken reports whether a blocked link continues only with another link-token. A
// sealed one stays as it is, while a reference is read again, and one that is made in Atlas
// is made again. Where the workers have no identity, no other link-token would help.
func NeedsOtherToken(token migrationlink.TokenSource, problem migrationlink.Problem) bool {
	if token.Sealed == "" {
		return false
	}
	switch problem.Type {
	case migrationlink.ErrTokenRejected:
		return true
	case migrationlink.ErrTokenNotOpened:
		return problem.Code != migrationlink.CodeNoIdentities
	}
	return false
}
