package main

import (
	"context"
	"fmt"
	"time"

	"siyu/job"
	"siyu/model/clock"
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
	}}, {Name: "recount new members", Every: time.Hour, Do: e.Tally.RecountMembers}}
}

// counted brings the first page's numbers up to date with what was filled in.
func (s *seeder) counted(ctx context.Context) error {
	begun, counter := clock.Wall(), tally.NewCounter(s.env.Tally)
	for more := true; more; {
		var err error
		if more, err = counter.Run(ctx); err != nil {
			return err
		}
	}
	var rows int64
	if err := s.env.DB.Pool().QueryRowContext(ctx, "SELECT COUNT(*) FROM tally").Scan(&rows); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%-16s %10d rows %7.1f s\n", "tally", rows, clock.Wall().Sub(begun).Seconds())
	return nil
}
