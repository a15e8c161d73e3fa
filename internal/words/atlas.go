package words

import (
	"fmt"
	"strings"

	"github.com/migrationlink/migrationlink"
)

// TokenInDoubt is about a link-token whose create call got no reply.
const TokenInDoubt = "the reply to the creation of a link-token was lost, so Atlas may have one more"

// Verified reports whether Atlas was asked for the projects, and has any or is to have any.
func Verified(atlas *migrationlink.AtlasResult) bool {
	return atlas != nil && (!atlas.VerifiedAt.IsZero() || atlas.SourceProjects > 0)
}

// Projects describes how many projects Atlas shows; empty if that is not known.
func Projects(atlas *migrationlink.AtlasResult) string {
	if !Verified(atlas) {
		return ""
	}
	return fmt.Sprintf("%d of %s", atlas.AvailableProjects, Count(atlas.SourceProjects, "project"))
}

// Atlas describes what was done in Atlas, in a few words.
func Atlas(atlas *migrationlink.AtlasResult) string {
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
	if shown := Projects(atlas); shown != "" {
		texts = append(texts, "shows "+shown)
	}
	return strings.Join(texts, ", ")
}

// Token describes where a link-token is from. A source that is wrong may hold the
// link-token itself, and is not shown.
func Token(source migrationlink.TokenSource) string {
	switch {
	case source.Validate() != nil:
		return ""
	case source.Atlas != nil:
		return fmt.Sprintf("from Atlas %q, for its organization %s", source.Atlas.Name, source.Atlas.OrgID)
	case source.Fingerprint != "":
		return "sealed, fingerprint " + source.Fingerprint
	case source.Sealed != "":
		return "sealed"
	}
	return source.Ref
}

// inAtlas is the last part of an outcome. A problem describes what it leaves behind, and what
// Atlas does not show.
func inAtlas(result migrationlink.LinkResult) (text string) {
	atlas := result.Atlas
	if atlas == nil {
		return ""
	}
	if shown := Projects(atlas); shown != "" && result.Problem == nil && result.Target != migrationlink.TargetUnknown {
		text += "; Atlas shows " + shown
	}
	if atlas.TokenDeleted {
		text += "; the link-token was deleted in Atlas"
	}
	if result.Problem == nil {
		for _, left := range TokensLeft(atlas, linkStays(result)) {
			text += "; " + left
		}
	}
	return text
}

func linkStays(result migrationlink.LinkResult) bool { return result.Created && !result.Removed }
