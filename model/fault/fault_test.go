package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestFault(t *testing.T) {
	claimed := New(Conflict, "code_claimed", "已被领取")
	t.Run("a wrapped fault keeps kind and code", func(t *testing.T) {
		err := fmt.Errorf("claim 7: %w", claimed.With("first_at", "2026-11-20"))
		if !errors.Is(err, claimed) || KindOf(err) != Conflict {
			t.Fatalf("got %v", Of(err))
		}
		if Of(err).Detail["first_at"] != "2026-11-20" {
			t.Fatal("detail was lost")
		}
	})
	t.Run("an unclassified error is internal and hides its text", func(t *testing.T) {
		f := Of(errors.New("dial tcp 10.0.0.1: secret"))
		if f.Kind != Internal || f.Text == "" || f.Text == "dial tcp 10.0.0.1: secret" {
			t.Fatalf("got %+v", f)
		}
	})
	t.Run("With does not change the original", func(t *testing.T) {
		_ = claimed.With("a", 1)
		if claimed.Detail != nil {
			t.Fatal("sentinel was mutated")
		}
	})
}
