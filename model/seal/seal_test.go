package seal

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestBox(t *testing.T) {
	k1 := NewKey()
	k2 := "2:" + strings.TrimPrefix(NewKey(), "1:")
	old, err := Parse(k1)
	if err != nil {
		t.Fatal(err)
	}
	both, err := Parse(k1 + ", " + k2)
	if err != nil {
		t.Fatal(err)
	}
	sealed := old.Seal("account:1", []byte("secret"))
	t.Run("after a rotation old values still open", func(t *testing.T) {
		got, err := both.Open("account:1", sealed)
		if err != nil || string(got) != "secret" {
			t.Fatal(string(got), err)
		}
	})
	t.Run("new values use the newest key", func(t *testing.T) {
		if _, err := old.Open("account:1", both.Seal("account:1", []byte("x"))); !errors.Is(err, ErrSealed) {
			t.Fatal(err)
		}
	})
	t.Run("a key that stands by opens and does not seal", func(t *testing.T) {
		waits, err := Parse(k1 + ",+" + k2)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := waits.Open("p", both.Seal("p", []byte("x"))); err != nil || string(got) != "x" {
			t.Fatal(string(got), err)
		}
		if v := Version(waits.Seal("p", []byte("x"))); v != 1 || waits.Newest() != 1 || both.Newest() != 2 {
			t.Fatal(v, waits.Newest(), both.Newest())
		}
		if !bytes.Equal(waits.Derive("a"), old.Derive("a")) {
			t.Fatal("the derived key changed")
		}
	})
	t.Run("a value moved to another place does not open", func(t *testing.T) {
		if _, err := old.Open("account:2", sealed); !errors.Is(err, ErrSealed) {
			t.Fatal(err)
		}
	})
	t.Run("any changed byte is noticed", func(t *testing.T) {
		for i := range sealed {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1
			if _, err := old.Open("account:1", bad); err == nil {
				t.Fatalf("byte %d", i)
			}
		}
		if _, err := old.Open("account:1", sealed[:20]); err == nil {
			t.Fatal("short value opened")
		}
	})
	t.Run("derived keys differ by purpose and survive a rotation", func(t *testing.T) {
		if bytes.Equal(old.Derive("a"), old.Derive("b")) || !bytes.Equal(old.Derive("a"), both.Derive("a")) {
			t.Fatal("derivation is wrong")
		}
	})
	for _, bad := range []string{"", "1:short", "0:" + strings.TrimPrefix(k1, "1:"), k1 + "," + k1, "+" + k1} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}
