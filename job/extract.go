package job

import (
	"context"
	"time"

	"siyu/model/extract"
	"siyu/model/id"
)

// TaskExtract writes a list that an operator takes out: extract:run.
const TaskExtract = extract.Task

// Extracts is what happens to lists beside requests; *extract.Store is it.
type Extracts interface {
	Run(ctx context.Context, extractID id.ID) error
	Expire(ctx context.Context, limit int) (int, error)
}

// Extract makes the worker of TaskExtract.
func Extract(x Extracts) Worker {
	return func(ctx context.Context, extractID id.ID) (Verdict, error) {
		return Verdict{}, x.Run(ctx, extractID)
	}
}

// ExtractChores deletes files whose time is over.
func ExtractChores(x Extracts) []Chore {
	return []Chore{{"delete lists that were taken out", 10 * time.Minute, func(ctx context.Context) error {
		return batches(ctx, 20, func(limit int) (int, error) { return x.Expire(ctx, limit) })
	}}}
}
