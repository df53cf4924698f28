package phone

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"callcenter/api/wire"
	"callcenter/audio/level"
	"callcenter/softphone/internal/call"
	"callcenter/softphone/internal/callstate"
	"callcenter/softphone/internal/printable"
)

func silentMeter() callstate.Meter {
	return callstate.Meter{Peak: level.Floor, RMS: level.Floor, Hold: level.Floor}
}

// RefusalError is that a server refused this operator, or this phone the server: a
// matter of keys and tokens, not of the network. Its text is a sentence.
type RefusalError struct{ text string }

func (e *RefusalError) Error() string { return e.text }

// explain turns the error of a call into a sentence: what happened, to what,
// what to do.
func (p *Phone) explain(err error, wasLive bool) error {
	server := p.cfg.Servers[0]
	var of *call.ServerError
	if errors.As(err, &of) {
		server = of.Server
	}
	var lost *call.LostError
	var access *accessError
	switch {
	case errors.As(err, &lost):
		return fmt.Errorf("the connection to server %s was lost and did not come back within %.0f s%s: check the network, then dial again",
			lost.Server, call.KeepTrying.Seconds(), why(lost.Last))
	case errors.As(err, &access):
		return &RefusalError{printable.Clean(access.text)}
	case errors.Is(err, call.ErrTakenOver):
		return errors.New("the call was taken over by another phone with its credentials: it goes on there")
	case errors.Is(err, call.ErrNoAnswer):
		return fmt.Errorf("server %s took the call but does not answer: dial again, or ask its administrator", server)
	case errors.Is(err, call.ErrServerEnded):
		return fmt.Errorf("server %s ended the call: dial again", server)
	case errors.Is(err, context.Canceled):
		return errors.New("the call was given up")
	}
	var refused interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &refused) || refused.GRPCStatus().Code() == codes.OK {
		return err
	}
	st := refused.GRPCStatus()
	if st.Code() == codes.Unauthenticated || st.Code() == codes.PermissionDenied {
		return &RefusalError{p.unwelcome(server, st, wasLive)}
	}
	return errors.New(sentence(server, st, wasLive))
}

// why is the reason of the last attempt, in parentheses, if there is one.
func why(err error) string {
	if err == nil {
		return ""
	}
	var access *accessError
	if errors.As(err, &access) {
		return " (" + printable.Clean(access.text) + ")"
	}
	text := err.Error()
	if st, ok := status.FromError(err); ok {
		text = cause(st.Message())
	}
	return " (" + wire.Clean(text) + ")"
}

func sentence(server string, st *status.Status, wasLive bool) string {
	msg := wire.Clean(cause(st.Message()))
	switch st.Code() {
	case codes.Unavailable:
		if strings.Contains(st.Message(), "shutting down") {
			return fmt.Sprintf("server %s is shutting down and takes no calls: dial again in a moment", server)
		}
		return fmt.Sprintf("server %s cannot be reached (%s): check that it runs, or name another with --server", server, msg)
	case codes.FailedPrecondition:
		if wasLive {
			return fmt.Sprintf("server %s had ended the call when the connection came back (%s): dial again", server, msg)
		}
	case codes.DeadlineExceeded:
		if wasLive {
			reason, _, _ := strings.Cut(printable.Clean(st.Message()), ": ")
			return fmt.Sprintf("server %s ended the call (%s): dial again", server, reason)
		}
	case codes.NotFound:
		return fmt.Sprintf("server %s knows no such destination: dial echo, tone or room/NAME, with a-z, 0-9, '.', '_' and '-' in NAME", server)
	case codes.ResourceExhausted:
		reason, _, _ := strings.Cut(msg, ", call again") // that is said in our words
		return fmt.Sprintf("server %s takes no more calls now (%s): dial again later", server, reason)
	case codes.AlreadyExists:
		return fmt.Sprintf("server %s has a call of this id already: dial again", server)
	case codes.Unimplemented:
		return fmt.Sprintf("what answers at %s is no call centre server: name another with --server", server)
	}
	return fmt.Sprintf("server %s refused or ended the call (%s: %s)", server, st.Code(), msg)
}

// cause is the innermost part of gRPC's nested messages.
func cause(msg string) string {
	msg = strings.TrimSuffix(msg, `"`)
	if i := strings.LastIndex(msg, ": "); i >= 0 {
		msg = msg[i+2:]
	}
	if msg == "produced zero addresses" { // what gRPC's resolver says of a host that is none
		return "no such host"
	}
	return msg
}
