package main

import (
	"context"
	"time"

	"siyu/job"
	"siyu/model/holdout"
	"siyu/model/id"
)

// holdoutStores are who is left alone, and what the others' messages brought.
type holdoutStores struct {
	Holdout *holdout.Store
	Reports *holdout.Reports
}

// buildHoldout comes before pushes: they ask who is left alone.
func (e *environment) buildHoldout() { e.Holdout = holdout.New(e.DB) }

// buildReports comes after pushes, segments and events: a report compares what their
// people did.
func (e *environment) buildReports() {
	e.Reports = holdout.NewReports(e.DB, e.Pushes, e.Segments, e.Events)
	e.Reports.GTINs = func(ctx context.Context, products []id.ID) ([]string, error) {
		out := make([]string, 0, len(products))
		for _, productID := range products {
			p, err := e.Products.Get(ctx, productID)
			if err != nil {
				return nil, err
			}
			out = append(out, p.GTIN)
		}
		return out, nil
	}
}

// holdoutChores count what pushes brought before somebody waits for it.
func (e *environment) holdoutChores() []job.Chore {
	return []job.Chore{{Name: "count what pushes brought", Every: time.Minute, Do: e.Reports.Run}}
}
