package callcenter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"callcenter/api/wire"
	"callcenter/codec"
	"callcenter/server/internal/admission"
	"callcenter/server/internal/auth"
	"callcenter/server/internal/room"
)

var (
	errDraining = errors.New("the server is shutting down: call again, or call another server")
	errInUse    = errors.New("call_id: is in use by another call: end that call, or choose another id")
	errFault    = errors.New("the server had a fault in this call: call again")
	errStalled  = errors.New("the room stood still on the server: call again")
	errNoChunk  = errors.New("no first chunk came: say call_id, sample_rate, channels and codec")

	errTakenOver     = errors.New("the call goes on over another stream")
	errNotYours      = errors.New("resume_token: is not the newest that this call was given: call again with another call_id")
	errNoReflection  = errors.New("reflection: is closed to other machines: start the server with --token-keys and use a token with --admin")
	errUnknownMethod = fmt.Errorf("%w to use this method", auth.ErrDenied)
	errAnothers      = errors.New("call_id: is of somebody else's call: choose another id")
	errEnded         = errors.New("resume_token: the call has ended: call again with another call_id")
	errOpening       = errors.New("the call is being opened over another stream: try again")
	errLongToken     = &wire.FieldError{Field: "setup.resume_token", Reason: fmt.Sprintf("is longer than %d bytes", maxToken)}
	errQuiet         = fmt.Errorf("nothing was heard from the caller for %v: resume the call", quietLimit)
	errDeaf          = errors.New("the caller takes nothing that is sent to it: call again")
	errSilent        = fmt.Errorf("no chunk came from the caller for %v: call again", silentLimit)
	errFlood         = fmt.Errorf("the caller sent more than %d chunks a second for %d s, send no more than %d", floodRate, floodSeconds, chunkRate)
	errTooLong       = errors.New("the call was as long as a call may be")
	errLost          = fmt.Errorf("lost: the caller did not come back within %v", limboLimit)
)

func errLongest(most time.Duration) error { return fmt.Errorf("%w, %v: call again", errTooLong, most) }

// toStatus says on the wire how a call ended. It is the only place that chooses
// status codes.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err // from gRPC itself
	}
	st := status.New(codeOf(err), err.Error())
	var refused *admission.RefusalError
	if errors.As(err, &refused) {
		// It fails for a status that is OK.
		if hint, herr := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(refused.Retry)}); herr == nil {
			st = hint
		}
	}
	return st.Err()
}

func codeOf(err error) codes.Code {
	var field *wire.FieldError
	var format *codec.FormatError
	var full *admission.RefusalError
	var refused *auth.RefusedError
	switch {
	case errors.As(err, &refused):
		return codes.Unauthenticated
	case errors.As(err, &field), errors.As(err, &format), errors.Is(err, room.ErrMalformed), errors.Is(err, errUnreadable):
		return codes.InvalidArgument
	case errors.Is(err, room.ErrNoDestination):
		return codes.NotFound
	case errors.Is(err, errInUse):
		return codes.AlreadyExists
	case errors.As(err, &full), errors.Is(err, errFlood), errors.Is(err, room.ErrFull):
		return codes.ResourceExhausted
	case errors.Is(err, errDraining), errors.Is(err, errOpening), errors.Is(err, errStalled):
		return codes.Unavailable
	case errors.Is(err, errTakenOver):
		return codes.Aborted
	case errors.Is(err, errNotYours), errors.Is(err, errAnothers), errors.Is(err, errNoReflection),
		errors.Is(err, auth.ErrDenied):
		return codes.PermissionDenied
	case errors.Is(err, errEnded):
		return codes.FailedPrecondition
	case errors.Is(err, errNoChunk), errors.Is(err, errQuiet), errors.Is(err, errDeaf), errors.Is(err, errLost),
		errors.Is(err, errSilent), errors.Is(err, errTooLong),
		errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	default:
		return codes.Internal
	}
}

// codeName returns the name of the status that err becomes, for the log.
func codeName(err error) string { return status.Code(toStatus(err)).String() }

// toMessage returns the text of the status that err becomes.
func toMessage(err error) string { return status.Convert(toStatus(err)).Message() }
