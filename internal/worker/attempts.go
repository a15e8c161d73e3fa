package worker

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"github.com/migrationlink/migrationlink"
)

// attempts logs each attempt of an activity, at debug level because polls are many.
// docs/reference/log.md documents the message and its fields.
type attempts struct {
	interceptor.WorkerInterceptorBase
}

func (*attempts) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &attempt{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type attempt struct {
	interceptor.ActivityInboundInterceptorBase
}

// target is implemented by the inputs of all activities that call a manager.
type target interface {
	Names() (manager, orgID string)
}

func (a *attempt) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	began := time.Now()
	result, err := a.Next.ExecuteActivity(ctx, in)
	fields := []any{"seconds", time.Since(began).Seconds()}
	if len(in.Args) > 0 {
		if named, ok := in.Args[0].(target); ok {
			manager, orgID := named.Names()
			fields = append(fields, "manager", manager, "orgId", orgID)
		}
	}
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		var problem migrationlink.Problem
		if failed.HasDetails() && failed.Details(&problem) == nil { // a Problem is the first detail
			fields = append(fields, "type", problem.Type, "httpStatus", problem.HTTPStatus, "code", problem.Code)
		}
	}
	activity.GetLogger(ctx).Debug("attempt ended", fields...)
	return result, err
}
