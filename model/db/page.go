package db

import (
	"gorm.io/gorm"

	"siyu/model/id"
)

// MaxPage is the longest page of any list.
const MaxPage = 100

// Page orders a query newest first and starts after a cursor: the id of the last row
// of the page before (0 = the newest). The table needs id and created_at. Ids do not
// grow with time across shards, so the cursor compares (created_at, id).
func Page(q *gorm.DB, table string, before id.ID, limit int) *gorm.DB {
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	if before != 0 {
		q = q.Where("(created_at < (SELECT c.created_at FROM "+table+" c WHERE c.id = ?) OR (created_at = (SELECT c.created_at FROM "+table+" c WHERE c.id = ?) AND id < ?))", before, before, before)
	}
	return q.Order("created_at DESC, id DESC").Limit(limit)
}

// MaxTotal is where counting the rows of a list stops: nobody reads page 500, and counting
// ten million rows would cost more than the list itself.
const MaxTotal = 10_000

// Total counts the rows of a query that has its conditions but no order and no limit, up to
// MaxTotal; more says that there are others. The conditions need an index as the list's do.
func Total(q *gorm.DB) (n int, more bool, err error) {
	inner := q.Session(&gorm.Session{}).Select("1").Limit(MaxTotal + 1)
	err = q.Session(&gorm.Session{NewDB: true}).Raw("SELECT COUNT(*) FROM (?) AS counted", inner).Scan(&n).Error
	if n > MaxTotal {
		return MaxTotal, true, err
	}
	return n, false, err
}
