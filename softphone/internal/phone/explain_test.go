package phone

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/softphone/internal/call"
)

func TestTheEndOfALinkIsASentence(t *testing.T) {
	refused := &call.ServerError{Server: "b:2", Err: status.Error(codes.Unavailable, `dial: "connection refused"`)}
	p := &Phone{cfg: Config{Servers: []string{"a:1", "b:2"}}}
	for want, err := range map[string]error{
		"the connection to server a:1 was lost and did not come back within 30 s (connection refused): check": &call.LostError{Server: "a:1", Last: refused},
		"did not come back within 30 s: check":                   &call.LostError{Server: "a:1"},
		"(server b:2: no answer)":                                &call.LostError{Server: "a:1", Last: &call.ServerError{Server: "b:2", Err: call.ErrNoAnswer}},
		"taken over by another phone":                            call.ErrTakenOver,
		"server b:2 cannot be reached (connection refused)":      refused,
		"server c:3 cannot be reached (no such host)":            &call.ServerError{Server: "c:3", Err: status.Error(codes.Unavailable, "name resolver error: produced zero addresses")},
		"server b:2 took the call but does not answer":           &call.ServerError{Server: "b:2", Err: call.ErrNoAnswer},
		"server b:2 ended the call":                              &call.ServerError{Server: "b:2", Err: call.ErrServerEnded},
		"server b:2 had ended the call when the connection came": &call.ServerError{Server: "b:2", Err: status.Error(codes.FailedPrecondition, "the call has ended")},
		"server b:2 does not let this call go on (stale token)":  &call.ServerError{Server: "b:2", Err: status.Error(codes.PermissionDenied, "stale token")},
	} {
		if got := p.explain(err, true).Error(); !strings.Contains(strings.ReplaceAll(got, `"`, ""), want) {
			t.Errorf("%v becomes %q, want %q in it", err, got, want)
		}
	}
}
