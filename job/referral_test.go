package job

import (
	"context"
	"errors"
	"testing"

	"siyu/model/id"
)

// grove counts what is asked of referral trees.
type grove struct {
	written             []id.ID
	checks, ends, facts int
	fail                error
}

func (g *grove) Write(_ context.Context, exportID id.ID) error {
	g.written = append(g.written, exportID)
	return g.fail
}

func (g *grove) CheckDue(context.Context) (bool, error) {
	g.checks++
	return g.checks < 3, g.fail
}

func (g *grove) EndDue(_ context.Context, limit int) (int, error) {
	if g.ends++; g.ends < 3 {
		return limit, g.fail
	}
	return 0, g.fail
}

func (g *grove) PruneFacts(context.Context, int) (int, error) { g.facts++; return 0, nil }
func (g *grove) Expire(context.Context, int) (int, error)     { return 0, nil }

func TestReferralWorkGoesOnUntilNothingIsLeft(t *testing.T) {
	g := &grove{}
	for _, c := range ReferralChores(g) {
		if err := c.Do(context.Background()); err != nil {
			t.Error(c.Name, err)
		}
	}
	if g.checks != 3 || g.ends != 3 || g.facts != 1 {
		t.Errorf("%+v", g)
	}
	boom := errors.New("boom")
	failing := &grove{fail: boom}
	for _, c := range ReferralChores(failing)[:2] {
		if err := c.Do(context.Background()); !errors.Is(err, boom) {
			t.Error(c.Name, err)
		}
	}
	if v, err := Lists(failing)(context.Background(), 7); v.Again != 0 || !errors.Is(err, boom) || failing.written[0] != 7 {
		t.Error(v, err, failing.written) // the row is put off and comes back
	}
	if queueOf[TaskReferral] == "" || timeouts[TaskReferral] == 0 {
		t.Error("nobody queues lists of referrals")
	}
}
