package main

import (
	"context"
	"time"

	"siyu/job"
	"siyu/model/goal"
	"siyu/model/tally"
)

// homeStores are what only the first page of the panel needs.
type homeStores struct {
	Tally *tally.Store
	Goals *goal.Store
}

func (e *environment) buildHome() { e.Tally, e.Goals = tally.New(e.DB), goal.New(e.DB) }

// homeChores count forward. Who looks at the first page sees a scan within seconds.
func (e *environment) homeChores() []job.Chore {
	counter := tally.NewCounter(e.Tally)
	return []job.Chore{{Name: "count what happens", Every: 2 * time.Second, Do: func(ctx context.Context) error {
		for ctx.Err() == nil {
			if more, err := counter.Run(ctx); err != nil || !more {
				return err
			}
		}
		return ctx.Err()
	}}}
}
