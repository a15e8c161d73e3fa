package temporalconn

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
)

// scrub removes the secrets of the connection from the errors of calls: a server may repeat
// a key. It is the innermost interceptor, so that everything gets the errors without them:
// the log of the SDK, other interceptors, and whoever made the call.
func (s *secrets) scrub(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	err := invoke(ctx, method, request, reply, conn, options...)
	refused, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	clean := refused.Proto() // a copy
	if length := len(clean.GetMessage()); length > maxScrubbed {
		clean.Message = fmt.Sprintf("an error of %d bytes, which is too long to be shown", length)
	}
	clean.Message = s.remove(clean.GetMessage())
	clean.Details = slices.DeleteFunc(clean.GetDetails(), s.isIn)
	if clean.GetMessage() == refused.Message() && len(clean.GetDetails()) == len(refused.Proto().GetDetails()) {
		return err
	}
	return status.FromProto(clean).Err()
}

// isIn reports whether a detail has a secret, or is too long to look for one. It cannot be removed
// from there without knowledge of the type.
func (s *secrets) isIn(detail *anypb.Any) bool {
	text := string(detail.GetValue())
	return len(text) > maxScrubbed || s.remove(text) != text
}

// maxScrubbed is the length of the longest error, in bytes, that is searched for secrets. The search
// takes about a kilobyte of memory for each byte, and whoever answers a query decides the length.
const maxScrubbed = 64 << 10
