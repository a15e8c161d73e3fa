package doctor

import (
	"time"

	"github.com/migrationlink/migrationlink/internal/seal"
)

const testOrg = "5f1b2c3d4e5f6a7b8c9d0e1f"

const testAtlasOrg = "6a1b2c3d4e5f6a7b8c9d0e1f"

var testStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// The key of the workers in the tests.
var testIdentity, testRecipient = generated()

func generated() (string, string) {
	identity, recipient, err := seal.GenerateIdentity(false)
	if err != nil {
		panic(err)
	}
	return identity.Reveal(), recipient.String()
}

const canary = "canary-3f9a-LINK-TOKEN-0123456789"
