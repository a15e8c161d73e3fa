package workflows_test

import "github.com/migrationlink/migrationlink"

// Promises that are broken still, and reported. Each constant keeps the test from
// asking for one, and goes when it is mended.
const (
	// cancelledRemovalForgets: a removal that is cancelled between two attempts
	// does not say that the first has removed a link.
	cancelledRemovalForgets = true
	// lostRemovalIsDenied: a DELETE without a reply, and then one that finds none,
	// count as if there had been no link, and not as a doubt.
	lostRemovalIsDenied = true
	// clearedIsTakenForProof: once a relink has removed a link, one that somebody
	// else makes before the POST, and that is not SYNCED, counts as ours in doubt.
	clearedIsTakenForProof = true
)

func (s *scene) forgetsRemoval() bool {
	unsynced := s.manager.Others == migrationlink.LinkNotSynced || s.manager.othersCalled
	return cancelledRemovalForgets && s.cancelled || lostRemovalIsDenied && unsynced
}

func (s *scene) passesForOurs() bool {
	return clearedIsTakenForProof && s.schedule.Link != nil && s.seen["relinked"]
}
