package config

import (
	"fmt"
	"slices"

	"github.com/migrationlink/migrationlink/internal/assess"
)

// maxMinimums is far above the number of release series.
const maxMinimums = 20

const likeMinimums = `["6.0.17", "7.0.13"]`

// readAssessment reads the section [assessment]: the versions in the rules of "starter assess".
func readAssessment(s *section, fallback assess.Minimums) assess.Minimums {
	defer s.end()
	minimums := fallback
	const below, from = "ops_manager_below", "cloud_manager_from"
	if text := s.text(below, ""); s.has(below) && !s.bad(below) {
		version, ok := assess.ParseVersion(text)
		if !ok {
			s.report(below, `must be a version of MongoDB, like "6.0"`)
		}
		minimums.OpsManagerBelow = version
	}
	if texts := s.texts(from, likeMinimums); s.has(from) && !s.bad(from) {
		if minimums.CloudManager = versionsOf(texts); minimums.CloudManager == nil {
			s.report(from, fmt.Sprintf(`must be at most %d versions of MongoDB, one for each release series, the lowest first, like `+likeMinimums, maxMinimums))
		}
	}
	return minimums
}

// versionsOf returns nil unless each version is of a later release series than the one before.
func versionsOf(texts []string) []assess.Version {
	var versions []assess.Version
	for i, text := range texts {
		version, ok := assess.ParseVersion(text)
		if !ok || i == maxMinimums || i > 0 && slices.Compare(versions[i-1][:2], version[:2]) >= 0 {
			return nil
		}
		versions = append(versions, version)
	}
	return versions
}

func sameMinimums(a, b assess.Minimums) bool {
	return a.OpsManagerBelow == b.OpsManagerBelow && slices.Equal(a.CloudManager, b.CloudManager)
}
