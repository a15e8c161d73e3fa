package workflows_test

import "github.com/migrationlink/migrationlink"

// Promises that are broken still, and reported. Each constant keeps the test from
// asking for one, and goes when it is mended.
const (
	// secondRemovalForgets: an activity that takes up a removal, after a retry or an
	// extension, forgets that the one before it has removed a link.
	secondRemovalForgets = true
	// lostRemovalIsDenied: a DELETE without a reply, and then one that finds none,
	// count as if there had been no link, and not as a doubt.
	lostRemovalIsDenied = true
	// clearedIsTakenForProof: once a relink has removed a link, one that somebody
	// else makes before the POST, and that is not SYNCED, counts as ours in doubt.
	clearedIsTakenForProof = true
)

func (s *scene) passesForOurs() bool {
	return clearedIsTakenForProof && s.schedule.Link != nil && s.removals > 0 && s.manager.WithoutLink == migrationlink.LinkNotSynced
}

func (s *scene) forgetsRemoval() bool {
	unsynced := s.manager.Others == migrationlink.LinkNotSynced || s.manager.othersCalled
	return secondRemovalForgets && s.removals > 1 || lostRemovalIsDenied && unsynced && s.manager.WithoutLink == migrationlink.LinkNotSynced
}
