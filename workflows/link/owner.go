package link

// owner says whose link there is, or would be if one appeared.
type owner int

const (
	unread owner = iota // nothing is known of the link
	nobody              // there is no link, and none of this request can appear
	ours                // any link must be this request's
	maybe               // the link may be this request's or somebody else's
	theirs              // the link is somebody else's
)

// ownerOf returns whose link a creation has made or found.
func ownerOf(created bool, d *doubt) owner {
	switch {
	case !created:
		return theirs
	case d == nil || d.excludesOthers():
		return ours
	}
	return maybe
}

// mayUndo reports whether an undo may remove the link.
func (o owner) mayUndo() bool { return o == ours }

// mayDeleteToken reports whether a link-token may be deleted in Atlas. That call removes
// a link with its link-token.
func (o owner) mayDeleteToken() bool { return o == unread || o == nobody }
