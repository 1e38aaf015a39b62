//go:build !faults

package fail_test

import (
	"testing"
	"time"

	"siyu/model/fail"
)

// TestANormalBuildObeysNobody: what the environment says means nothing here.
func TestANormalBuildObeysNobody(t *testing.T) {
	t.Setenv("SIYU_FAIL", "random:1:1")
	t.Setenv("SIYU_BROKEN", "guard,bill,enqueue,twice")
	t.Setenv("SIYU_FAIL_PACE", "60")
	fail.Point("commit.before") // would not return
	for _, name := range []string{"guard", "bill", "enqueue", "twice"} {
		if fail.Broken(name) {
			t.Errorf("%s is left out", name)
		}
	}
	if fail.Skew() != 0 || fail.Pace(time.Hour) != time.Hour || fail.Deaf(t.Context()) != t.Context() {
		t.Error("time is not what it should be")
	}
}
