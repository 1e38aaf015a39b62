package dbtest

import (
	"context"
	"sync"
	"testing"

	"gorm.io/gorm"

	"siyu/model/db"
)

// Reads are the SELECTs that a database was asked since Watch or Reset.
type Reads struct {
	mu           sync.Mutex
	plain, inTxs []string
}

// Watch notes every SELECT through GORM from now on, apart for those outside and
// inside of transactions.
func Watch(t testing.TB, d *db.DB) *Reads {
	t.Helper()
	r := &Reads{}
	note := func(g *gorm.DB) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if _, tx := g.Statement.ConnPool.(gorm.TxCommitter); tx {
			r.inTxs = append(r.inTxs, g.Statement.SQL.String())
		} else {
			r.plain = append(r.plain, g.Statement.SQL.String())
		}
	}
	hooks := d.Read(context.Background()).Callback()
	if err := hooks.Query().After("gorm:query").Register("dbtest:reads", note); err != nil {
		t.Fatal(err)
	}
	if err := hooks.Row().After("gorm:row").Register("dbtest:reads", note); err != nil {
		t.Fatal(err)
	}
	return r
}

// Reset forgets what was noted.
func (r *Reads) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.plain, r.inTxs = nil, nil
}

// Plain are the SELECTs outside of transactions.
func (r *Reads) Plain() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.plain...)
}

// InTxs are the SELECTs inside of transactions.
func (r *Reads) InTxs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.inTxs...)
}
