package callcenter

import (
	"context"
	"io"
	"testing"
)

// TestWhoHangsUpAndIsGoneHasHungUp: the connection may go before the goodbye has
// left, which is no failure of anybody's.
func TestWhoHangsUpAndIsGoneHasHungUp(t *testing.T) {
	s := New(testConfig())
	st, err := openCall(s, &fakeStream{ctx: t.Context()}, extendedOpening("echo"))
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := st.settle(t.Context(), io.EOF); err != nil {
		t.Errorf("without a send loop the call ended with %v", err)
	}
	st.sent = make(chan error)
	if err := st.settle(gone, io.EOF); err != nil {
		t.Errorf("without a connection the call ended with %v", err)
	}
	if err := st.settle(gone, errLost); err == nil {
		t.Error("what is no hanging up was taken for it")
	}
	st.call.leave()
}
