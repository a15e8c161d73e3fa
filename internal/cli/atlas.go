package cli

import (
	"fmt"
	"strings"

	"github.com/migrationlink/migrationlink"
)

const tokenInDoubt = "Atlas may have a link-token that nobody knows, as the reply to its creation was lost"

// verified tells whether Atlas has been asked for the projects, and that it
// has, or is to have, any.
func verified(atlas *migrationlink.AtlasResult) bool {
	return atlas != nil && (!atlas.VerifiedAt.IsZero() || atlas.SourceProjects > 0)
}

// shownProjects is how many projects Atlas shows, or empty.
func shownProjects(atlas *migrationlink.AtlasResult) string {
	if !verified(atlas) {
		return ""
	}
	return fmt.Sprintf("%d of %s", atlas.AvailableProjects, count(atlas.SourceProjects, "project"))
}

// verifying are the facts of the phase of that name.
func (o observation) verifying() []string {
	facts := []string{"waiting until Atlas shows the projects"}
	if shown := shownProjects(o.atlas); shown != "" {
		facts[0] = "Atlas shows " + shown
	}
	if o.atlasPolls > 0 {
		facts = append(facts, "asked "+count(o.atlasPolls, "time"))
	}
	return facts
}

// inAtlas is the part of an outcome's text about Atlas, behind the others. A
// problem says itself what it leaves behind, and what Atlas does not show.
func inAtlas(result migrationlink.LinkResult) string {
	atlas := result.Atlas
	if atlas == nil {
		return ""
	}
	var texts []string
	if shown := shownProjects(atlas); shown != "" && result.Problem == nil {
		texts = append(texts, "Atlas shows "+shown)
	}
	if atlas.TokenDeleted {
		texts = append(texts, "the link-token was deleted in Atlas")
	}
	if result.Problem == nil {
		texts = append(texts, leftInAtlas(result)...)
	}
	if len(texts) == 0 {
		return ""
	}
	return "; " + strings.Join(texts, "; ")
}

// leftInAtlas names the link-tokens that serve no link.
func leftInAtlas(result migrationlink.LinkResult) (texts []string) {
	switch left := result.Atlas.TokensLeft; {
	case left == 0:
	case left == 1 && linkStays(result):
		texts = append(texts, "a link-token that was made before stays in Atlas")
	case left == 1:
		texts = append(texts, "the link-token that was made for it stays in Atlas")
	default:
		texts = append(texts, fmt.Sprintf("%d link-tokens that serve no link stay in Atlas", left))
	}
	if result.Atlas.TokenInDoubt {
		texts = append(texts, tokenInDoubt)
	}
	return texts
}

func linkStays(result migrationlink.LinkResult) bool { return result.Created && !result.Removed }

// leftInAtlasRemedy is what to do about the link-tokens of a cancelled link: what
// deletes one takes no id, so that it may hit one that serves a link.
func leftInAtlasRemedy(result migrationlink.LinkResult) string {
	switch {
	case result.Atlas == nil || result.Atlas.TokensLeft == 0:
		return ""
	case linkStays(result):
		return "Leave it in Atlas as long as the link is needed: the call that deletes a link-token takes no id, and may remove the link."
	}
	return "To delete it: 'atlas liveMigrations link delete' for the target organization, but only if that has no other link, as the call takes no id. " +
		"With --delete-token-on-undo an undo does it."
}

// notVerified says so of a link that was to be verified in Atlas, and is done.
func notVerified(run linkRun, result migrationlink.LinkResult) string {
	if !run.verifies || result.Atlas != nil && !result.Atlas.VerifiedAt.IsZero() {
		return ""
	}
	return "; not verified in Atlas, as the organization has no project that Atlas could show"
}

// atlasText says what was done in Atlas.
func atlasText(atlas *migrationlink.AtlasResult) string {
	if atlas == nil {
		return ""
	}
	var texts []string
	switch {
	case atlas.TokenDeleted:
		texts = append(texts, "link-token made and deleted again")
	case atlas.TokenCreated:
		texts = append(texts, "link-token made")
	}
	if shown := shownProjects(atlas); shown != "" {
		texts = append(texts, "shows "+shown)
	}
	return strings.Join(texts, ", ")
}
