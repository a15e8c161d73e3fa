package opsmanagertest_test

import (
	"context"
	"fmt"

	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
	"github.com/migrationlink/migrationlink/redact"
)

// A test links an organization at a simulated manager and counts what the manager was
// asked to do.
func ExampleNewServer() {
	manager := opsmanagertest.NewServer(opsmanagertest.Options{})
	defer manager.Close()

	var config opsmanager.Config
	config.BaseURL = manager.URL
	config.PublicKey = opsmanagertest.DefaultPublicKey
	config.PrivateKey = redact.NewSecret(opsmanagertest.DefaultPrivateKey)
	client, err := opsmanager.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	ctx, orgID := context.Background(), "5f1b2c3d4e5f6a7b8c9d0e1f"
	if _, err := client.CreateLink(ctx, orgID, redact.NewSecret("link-token"), nil); err != nil {
		fmt.Println(err)
		return
	}
	status, err := client.LinkStatus(ctx, orgID)
	fmt.Println(status, err)
	fmt.Println(manager.State().Orgs[orgID].EffectivePosts)
	// Output:
	// SYNCED <nil>
	// 1
}
