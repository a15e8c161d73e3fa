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
	if o.atlasPolls > 0 {
		facts = append(facts, "asked "+count(o.atlasPolls, "time"))
	}
	return facts
}

// inAtlas is the part of an outcome's text about Atlas, behind the others.
func inAtlas(result migrationlink.LinkResult) string {
	atlas := result.Atlas
	if atlas == nil {
		return ""
	}
	var texts []string
	if shown := shownProjects(atlas); shown != "" {
		texts = append(texts, "Atlas shows "+shown)
	}
	switch {
	case atlas.TokenDeleted:
		texts = append(texts, "the link-token was deleted in Atlas")
	case atlas.TokenCreated && !result.Outcome.Done() && (result.Removed || !result.Created):
		texts = append(texts, "the link-token that was made for it stays in Atlas")
	}
	if atlas.TokenInDoubt {
		texts = append(texts, tokenInDoubt)
	}
	if len(texts) == 0 {
		return ""
	}
	return "; " + strings.Join(texts, "; ")
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
