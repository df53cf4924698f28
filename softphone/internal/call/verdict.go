package call

import (
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var (
	// ErrNoAnswer means that the server took the stream and said nothing.
	ErrNoAnswer = errors.New("no answer")
	// ErrServerEnded means that the server ended the call with status OK.
	ErrServerEnded = errors.New("the server ended the call")
	// ErrTakenOver means that another phone or process took the call.
	ErrTakenOver = errors.New("the call was taken over elsewhere")
	// ErrBarred means that this phone will not speak to a server, or the server not
	// with this phone, whatever is called: nothing of the call was asked of it.
	// Connect's connections have it in their errors, whose text is for the operator.
	ErrBarred = errors.New("the server is barred")

	// errFarewell is of a stream that ended after the server had said that it ends
	// the call. The same status without a word is that of a link that broke.
	errFarewell = errors.New("the server said goodbye")
)

// ServerError is what went wrong with a server of the list.
type ServerError struct {
	Server string
	Err    error
}

func (e *ServerError) Error() string { return fmt.Sprintf("server %s: %v", e.Server, e.Err) }

func (e *ServerError) Unwrap() error { return e.Err }

// LostError means that the connection of an answered call could not be brought
// back in KeepTrying.
type LostError struct {
	Server string // that the call was on
	Last   error  // why the last attempt failed
}

// KeepTrying is how long a call is kept without a connection.
const KeepTrying = 30 * time.Second

func (e *LostError) Error() string {
	return fmt.Sprintf("the connection to %s was lost for %v (%v)", e.Server, KeepTrying, e.Last)
}

// verdict is what the end of a carrier means for the call.
type verdict int

const (
	retry     verdict = iota // try again
	takenOver                // another stream has the call
	finished                 // the server hung up
	final                    // the server will not have the call
	barred                   // the server is not to be asked again
	fatal                    // a fault of ours
)

// judge tells what the error that ended a carrier means.
func judge(err error) verdict {
	switch {
	case errors.Is(err, errPanic):
		return fatal
	case errors.Is(err, ErrServerEnded), errors.Is(err, io.EOF):
		return finished
	case errors.Is(err, errFarewell):
		return final
	case errors.Is(err, ErrBarred):
		return barred
	}
	switch status.Code(err) {
	case codes.Aborted:
		return takenOver
	case codes.InvalidArgument, codes.NotFound, codes.PermissionDenied, codes.Unauthenticated,
		codes.FailedPrecondition, codes.AlreadyExists, codes.Unimplemented:
		return final
	}
	return retry
}
