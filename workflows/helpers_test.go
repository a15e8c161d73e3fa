package workflows_test

import "github.com/migrationlink/migrationlink/internal/secret"

var noTokens = secret.NewTokens("")
