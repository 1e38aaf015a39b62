package reach

import (
	"context"
	"fmt"
	"sync"
)

// ShortMessage is a text message (短信) on its way to a carrier. The number is in clear only here:
// nothing keeps it.
type ShortMessage struct {
	Key    string // the same message again has the same key: it is carried once
	Number string
	Body   string
}

// Carrier takes text messages to people: an adapter for a provider's interface. A
// *CarrierRefusal says that the message surely did not go; any other error, that nobody
// knows.
type Carrier interface {
	Carry(ctx context.Context, t ShortMessage) error
}

// CarrierRefusal is a carrier's no. Stop says that it concerns every message: the channel
// waits.
type CarrierRefusal struct {
	Code string
	Stop bool
}

func (r *CarrierRefusal) Error() string { return fmt.Sprintf("carrier refused: %s", r.Code) }

// Loopback is a carrier that keeps what it is given, for tests and for trying the program
// out without a provider.
type Loopback struct {
	mu    sync.Mutex
	texts []ShortMessage
	keys  map[string]bool
	fail  error
}

// loopbackMost is how many texts a Loopback keeps.
const loopbackMost = 1000

// Carry keeps a text once by its key.
func (l *Loopback) Carry(_ context.Context, t ShortMessage) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	if l.keys == nil || len(l.keys) > 100*loopbackMost {
		l.keys = map[string]bool{}
	}
	if l.keys[t.Key] {
		return nil
	}
	l.keys[t.Key] = true
	if l.texts = append(l.texts, t); len(l.texts) > loopbackMost {
		l.texts = l.texts[len(l.texts)-loopbackMost:]
	}
	return nil
}

// Fail has every text from now on refused with an error; nil ends that.
func (l *Loopback) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
}

// Texts are those carried, oldest first.
func (l *Loopback) Texts() []ShortMessage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]ShortMessage(nil), l.texts...)
}
