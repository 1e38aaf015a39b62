package rights

import (
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
)

// What staff were asked to send to an erased person is not waited for: nobody could say any
// more what became of it. What they hold for others is.
func TestAnErasedPersonsCopyDoesNotWaitForStaff(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, other := w.live("Aja", 1), w.live("Bob", 10)
		const run, task id.ID = 71, 72
		w.exec("INSERT INTO push_task (id, push_id, run_id, account_id, sender, msg_id, made_at, look_at, until_at) VALUES (?, ?, ?, 6, 'lisi', 'msg1', 1, 1, 2)", task, run, run)
		copies := map[id.ID]person{73: p, 74: other}
		for deliveryID, who := range copies {
			w.exec(`INSERT INTO push_delivery (id, run_id, member_id, lane, arm, state, reason, channel, use_no, code, tries, take_id, ticket_id, due_at, first_at, moved_at)
				VALUES (?, ?, ?, 0, 0, 'sent', 'staff_waits', 'wecom', 0, '', 1, 1, 1, 1, 1, 1)`, deliveryID, run, who.member)
			w.exec("INSERT INTO push_task_copy (task_id, delivery_id, member_id, openid) VALUES (?, ?, ?, ?)", task, deliveryID, who.member, "wmExternalOf"+deliveryID.String())
		}
		w.exec("INSERT INTO push_tally (run_id, lane, arm, state, channel, reason, n) VALUES (?, 0, 0, 'sent', 'wecom', 'staff_waits', 2)", run)
		w.paid(p)
		r := w.ask(p, Erase)
		clk.Advance(8 * 24 * time.Hour)
		r, why := w.run(r)
		if r.State != Done {
			t.Fatal(r, why)
		}
		for deliveryID, want := range map[id.ID]string{73: "unknown//0", 74: "sent/staff_waits/1"} {
			var got string
			w.must(d.Read(ctx).Raw("SELECT CONCAT(state, '/', reason, '/', (SELECT COUNT(*) FROM push_task_copy c WHERE c.delivery_id = push_delivery.id)) FROM push_delivery WHERE id = ?", deliveryID).Scan(&got).Error)
			if got != want {
				t.Errorf("the copy of %s: %s, want %s", copies[deliveryID].open, got, want)
			}
		}
		counts := map[string]int64{}
		var rows []struct {
			State, Reason string
			N             int64
		}
		w.must(d.Read(ctx).Raw("SELECT state, reason, n FROM push_tally WHERE run_id = ? AND n <> 0", run).Scan(&rows).Error)
		for _, x := range rows {
			counts[x.State+"/"+x.Reason] = x.N
		}
		if len(counts) != 2 || counts["sent/staff_waits"] != 1 || counts["unknown/"] != 1 {
			t.Errorf("the push's numbers say %v", counts)
		}
		proof, err := w.ProofOf(ctx, r.ID)
		w.must(err)
		for _, line := range proof.Tables {
			if line.Table == "push_task_copy" && line.Rows != 1 {
				t.Errorf("the proof says %+v", line)
			}
		}
	})
}
