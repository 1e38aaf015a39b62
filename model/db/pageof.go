package db

import (
	"gorm.io/gorm"

	"siyu/model/id"
)

// PageOf is Page of the rows that belong to owners (column names whose they are). A cursor
// that is another owner's row ends the list: it must not tell when that row was made. No
// owners: the rows of everybody.
func PageOf(q *gorm.DB, table, column string, owners []id.ID, before id.ID, limit int) *gorm.DB {
	if len(owners) > 0 {
		q = q.Where(column+" IN ?", owners)
		if before != 0 {
			q = q.Where("EXISTS (SELECT 1 FROM "+table+" w WHERE w.id = ? AND w."+column+" IN ?)", before, owners)
		}
	}
	return Page(q, table, before, limit)
}
