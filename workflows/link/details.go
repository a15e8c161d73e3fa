package link

import (
	"go.temporal.io/sdk/workflow"

	"github.com/migrationlink/migrationlink/internal/words"
)

// tell shows the state in the Web UI.
func (o *operation) tell(ctx workflow.Context) {
	page := words.Page{Status: o.status(), NextAttempt: o.stage.next, LinkStays: o.stays()}
	if o.asked.Link != nil {
		page.Token = o.asked.Link.Token
	}
	workflow.SetCurrentDetails(ctx, page.Markdown())
}
