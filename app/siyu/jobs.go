package main

import (
	"time"

	"siyu/model/extract"
	"siyu/model/find"
	"siyu/model/progress"
)

// jobStores is the part of the environment that operators' long jobs need.
type jobStores struct {
	Extracts *extract.Store
	Progress *progress.Store
	Find     *find.Store
}

func (e *environment) buildJobs() {
	e.Extracts = extract.New(extract.Deps{DB: e.DB, Box: e.Box, Phones: e.Phones, Outbox: e.Outbox, Segments: e.Segments,
		Keep: time.Duration(e.Config.Export.Days) * 24 * time.Hour, Times: e.Config.Export.Downloads})
	e.Progress, e.Find = progress.New(e.DB), find.New(e.DB, e.Phones)
}
