package identity

import (
	"context"
	"fmt"
	"testing"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// town is an identity store with short words for tests.
type town struct {
	*Store
	*testing.T
	d *db.DB
}

func (w town) in(t *testing.T) town { return town{w.Store, t, w.d} }

func (w town) login(app, open, union string) id.ID {
	w.Helper()
	p, err := w.Resolve(context.Background(), Login{app, open, union})
	if err != nil || p == 0 {
		w.Fatal(p, err)
	}
	return p
}

func phoneKey(n int) Key       { return Key{Kind: Phone, Value: fmt.Sprintf("phone%038d", n)} }
func crmKey(number string) Key { return Key{Kind: CRM, Scope: "tmall", Value: number} }

func (w town) link(p id.ID, k Key, event string) Outcome {
	w.Helper()
	e := Evidence{Event: event, Channel: "test"}
	if event == ByOperator {
		e.By, e.Note = 9, "核对过"
	}
	if event == PhoneVerified {
		e.ConsentID = 3
	}
	out, err := w.Link(context.Background(), p, k, e)
	if err != nil {
		w.Fatal(k, err)
	}
	return out
}

func (w town) imported(keys ...Key) id.ID {
	w.Helper()
	out, err := w.ResolveMany(context.Background(), []Item{{keys}}, Evidence{Event: CRMImport, Channel: "import", Ref: 5})
	if err != nil || len(out) != 1 || out[0].Err != nil || out[0].PersonID == 0 {
		w.Fatal(out, err)
	}
	return out[0].PersonID
}

func (w town) family(p id.ID) []id.ID {
	w.Helper()
	f, err := w.Family(context.Background(), p)
	if err != nil {
		w.Fatal(err)
	}
	return f
}

func (w town) one(p, q id.ID) bool { w.Helper(); return w.family(p)[0] == w.family(q)[0] }

func (w town) merge(p, q id.ID) Merge {
	w.Helper()
	m, err := w.Merge(context.Background(), p, q, Evidence{Event: ByOperator, By: 9, Note: "电话核实", Channel: "admin"})
	if err != nil {
		w.Fatal(err)
	}
	return m
}

func (w town) count(table, where string) (n int64) {
	w.Helper()
	if err := w.d.Read(context.Background()).Raw("SELECT COUNT(*) FROM " + table + " WHERE " + where).Scan(&n).Error; err != nil {
		w.Fatal(err)
	}
	return n
}

func (w town) exec(stmt string, args ...any) {
	w.Helper()
	if err := w.d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
		w.Fatal(err)
	}
}

func (w town) refused(err error, code string) {
	w.Helper()
	if err == nil || fault.Of(err).Code != code {
		w.Errorf("%v, want %s", err, code)
	}
}

// caseOf reads the review of two persons.
func (w town) caseOf(p, q id.ID) Review {
	w.Helper()
	var r Review
	if err := w.d.Read(context.Background()).Where("low_id = ? AND high_id = ?", min(p, q), max(p, q)).Take(&r).Error; err != nil {
		w.Fatal(err)
	}
	return r
}
