// Package fault is the one vocabulary of things that go wrong.
//
// A Fault has a Kind (what the caller can do about it), a stable Code (what a
// program matches on) and a Text in the reader's language (zh-CN). Kinds map to
// HTTP statuses in exactly one place, handler/web. Errors are wrapped on the way
// up with %w; they are returned or logged, never both.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what the caller can do. The zero value is Internal, so an error that
// nobody classified is never shown to a user as his own mistake.
type Kind uint8

const (
	Internal        Kind = iota // our fault; retrying may help, the text is not for users
	Invalid                     // the input is wrong; nothing was written
	Unauthenticated             // log in first
	Forbidden                   // known, but not allowed
	NotFound                    // no such thing
	Conflict                    // somebody was first, or the state moved on
	Exhausted                   // a limit or budget is used up
	Throttled                   // too fast; try later
	Unavailable                 // a dependency is down; the outcome may be unknown
)

var names = [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not_found", "conflict", "exhausted", "throttled", "unavailable"}

func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return "internal"
}

// Fault is an error with one meaning.
type Fault struct {
	Kind Kind
	Code string // stable, snake_case, e.g. "code_claimed"
	Text string // zh-CN, says what to do
	// Detail carries facts a page needs to render the fault (time of the first
	// claim, the limit that was hit). It is shown to the caller.
	Detail map[string]any
	cause  error
}

func (f *Fault) Error() string {
	if f.cause != nil {
		return fmt.Sprintf("%s: %s: %v", f.Code, f.Text, f.cause)
	}
	return f.Code + ": " + f.Text
}

func (f *Fault) Unwrap() error { return f.cause }

// Is matches faults by code, so a package can declare a sentinel and callers can
// use errors.Is although each occurrence carries its own detail.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Code == f.Code
}

// With returns a copy that carries one more detail.
func (f *Fault) With(key string, value any) *Fault {
	c := *f
	c.Detail = make(map[string]any, len(f.Detail)+1)
	for k, v := range f.Detail {
		c.Detail[k] = v
	}
	c.Detail[key] = value
	return &c
}

// Because returns a copy that remembers its cause. The cause is for logs only.
func (f *Fault) Because(err error) *Fault {
	c := *f
	c.cause = err
	return &c
}

// New makes a fault of any kind.
func New(kind Kind, code, text string) *Fault { return &Fault{Kind: kind, Code: code, Text: text} }

// NewInvalid and its neighbours name the kind at the place of the mistake.
func NewInvalid(code, text string) *Fault { return New(Invalid, code, text) }

// Invalidf is NewInvalid with a formatted text.
func Invalidf(code, format string, args ...any) *Fault {
	return New(Invalid, code, fmt.Sprintf(format, args...))
}

// Of returns the fault inside err; an unclassified error becomes Internal, with
// err as its cause, so callers can always ask for Kind and Code.
func Of(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return &Fault{Kind: Internal, Code: "internal", Text: "系统开小差了，请稍后再试", cause: err}
}

// KindOf is Of(err).Kind.
func KindOf(err error) Kind {
	if err == nil {
		return Internal
	}
	return Of(err).Kind
}
