package migrationlink_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/migrationlink/migrationlink"
)

// A service links an organization and waits for the outcome. Called again while the link is
// running, it joins it.
func ExampleClient() {
	temporal := newLinkedTemporal() // client.Dial(client.Options{…}) in a service
	defer temporal.Close()
	links := migrationlink.NewClient(temporal, migrationlink.ClientOptions{StartedBy: "billing@prod"})

	request := migrationlink.LinkRequest{
		Manager: "demo",
		OrgID:   "5f1b2c3d4e5f6a7b8c9d0e1f",
		Token:   migrationlink.TokenSource{Ref: "env:LINK_TOKEN_DEMO"},
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
	defer cancel()

	run, err := links.Start(ctx, migrationlink.NewStartRequest(request))
	if different, ok := errors.AsType[*migrationlink.DifferentRequestError](err); ok {
		fmt.Println("somebody else is linking it:", migrationlink.DescribeFields(different.Fields))
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("joined:", run.Joined)

	result, err := run.Result(ctx)
	if err != nil {
		fmt.Println(err) // of the waiting: the link continues
		return
	}
	fmt.Println(result.Outcome, result.LinkStatus) // also for a link that failed, see result.Problem
	// Output:
	// joined: false
	// linked SYNCED
}
