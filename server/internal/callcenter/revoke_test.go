package callcenter_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"callcenter/api"
	"callcenter/server/servertest"
)

func TestACallEndsWhenItsTokenIsRevoked(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	token := d.keys.Token("ada", servertest.Everything())
	one, _ := d.call(token, first("x", "room/a"))
	bob, _ := d.call(d.keys.Token("bob", servertest.Everything()), first("y", "room/a"))
	d.keys.Revoke(token)
	told := ""
	for {
		chunk, err := one.stream.Recv()
		if err != nil {
			if st := status.Convert(err); st.Code() != codes.Unauthenticated || !strings.Contains(st.Message(), "revoked") {
				t.Errorf("the call ended with %v", err)
			}
			break
		}
		if e := chunk.GetEvent(); e.GetKind() == api.Event_KIND_ENDED {
			told = e.GetReason()
		}
	}
	if !strings.Contains(told, "revoked") {
		t.Errorf("the caller is told %q", told)
	}
	for e := bob.recvEvent(); e.GetKind() != api.Event_KIND_LEFT; e = bob.recvEvent() {
	}
	line := d.log.ended(t, "x")
	if line["status"] != "Unauthenticated" || line["subject"] != "ada" {
		t.Errorf("the last line says %v", line)
	}
	lines := d.log.audit(t, "refused")
	if len(lines) != 1 || lines[0]["call_id"] != "x" || !strings.Contains(lines[0]["reason"].(string), "revoked") {
		t.Errorf("the audit says %v", lines)
	}
	bob.hangUp()
}

func TestACallThatWaitsForItsLinkEndsWhenItsTokenIsRevoked(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	token := d.keys.Token("ada", servertest.Everything())
	opening := resumable("x", "room/a")
	one, _ := d.call(token, opening)
	resume := one.recvEvent().GetResumeToken()
	one.cancel()
	d.keys.RevokeSubject("ada")
	if line := d.log.ended(t, "x"); line["status"] != "Unauthenticated" {
		t.Errorf("the last line says %v", line)
	}
	if st := d.refused(token, with(opening, resume)); st.Code() != codes.Unauthenticated {
		t.Errorf("it comes back: %v", st)
	}
}

func TestAnothersCallCannotBeTakenOver(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	ada, eve := d.keys.Token("ada", servertest.Everything()), d.keys.Token("eve", servertest.Everything())
	opening := resumable("x", "room/a")
	one, _ := d.call(ada, opening)
	token := one.recvEvent().GetResumeToken()
	for name, c := range map[string]*api.AudioChunk{
		"its id":                     first("x", "room/a"),
		"its id and a token":         resumable("x", "room/a"),
		"its id and a stolen token":  with(opening, token),
		"its id and its first token": opening,
	} {
		before := len(d.log.audit(t, "refused"))
		if st := d.refused(eve, c); st.Code() != codes.PermissionDenied || !strings.Contains(st.Message(), "call_id") {
			t.Errorf("with %s: %v", name, st)
		}
		lines := d.log.audit(t, "refused")
		if len(lines) != before+1 {
			t.Fatalf("with %s there are %d lines more", name, len(lines)-before)
		}
		line := lines[before]
		if line["subject"] != "eve" || line["call_id"] != "x" || line["destination"] != "room/a" || line["status"] != "PermissionDenied" || line["key_id"] != "test" {
			t.Errorf("with %s the log says %v", name, line)
		}
	}
	// With a token that was stolen from another call of one's own it is not allowed either.
	if st := d.refused(ada, with(opening, token+"x")); st.Code() != codes.PermissionDenied {
		t.Errorf("with a wrong token: %v", st)
	}
	// Another token of the same subject does it, and the call is as it was.
	two, _ := d.call(d.keys.Token("ada", servertest.Everything()), with(opening, token))
	two.hangUp()
	if st := one.end(); st.Code() != codes.Aborted {
		t.Errorf("the older stream ended with %v", st)
	}
	letIn := d.log.audit(t, "let in")
	if len(letIn) != 2 || letIn[0]["subject"] != "ada" || letIn[0]["call_id"] != "x" || letIn[1]["token_id"] == letIn[0]["token_id"] {
		t.Errorf("let in are %v", letIn)
	}
	if line := d.log.ended(t, "x"); line["subject"] != "ada" || line["status"] != "OK" {
		t.Errorf("the call's last line says %v", line)
	}
}

func TestAResumeNeedsWhatItsDestinationNeeds(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	opening := resumable("x", "echo")
	one, _ := d.call(d.keys.Token("ada", servertest.Everything()), opening)
	token := one.recvEvent().GetResumeToken()
	less := d.keys.Token("ada", servertest.Grants{Call: []string{"*"}, Listen: true})
	if st := d.refused(less, with(opening, token)); st.Code() != codes.PermissionDenied || !strings.Contains(st.Message(), "--speak") {
		t.Errorf("with fewer grants: %v", st)
	}
	one.frame([]byte{1, 2})
	one.recvAudio() // it goes on
	one.hangUp()
}

func TestNothingMoreIsToldOfTheServerOnceTheTokenIsRevoked(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	grants := servertest.Everything()
	grants.Admin = true
	token := d.keys.Token("ada", grants)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := reflectionpb.NewServerReflectionClient(d.Dial(t, servertest.Bearer(token))).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() error {
		_ = stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
		_, err := stream.Recv() // which says why the other failed
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	d.keys.Revoke(token)
	for err == nil { // the server reads what is revoked within seconds
		time.Sleep(10 * time.Millisecond)
		err = ask()
	}
	if st := status.Convert(err); st.Code() != codes.Unauthenticated || !strings.Contains(st.Message(), "revoked") {
		t.Errorf("it ended with %v", err)
	}
	if lines := d.log.audit(t, "refused"); len(lines) != 1 || lines[0]["subject"] != "ada" || !strings.Contains(lines[0]["reason"].(string), "revoked") {
		t.Errorf("the audit says %v", lines)
	}
}
