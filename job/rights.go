package job

import (
	"context"
	"time"

	"siyu/model/id"
)

// TaskRights is the wake-up of one request of a person (个人信息权利请求): rights:run.
const TaskRights = "rights:run"

// rightsStore works on requests; *rights.Store fits.
type rightsStore interface {
	Run(ctx context.Context, requestID id.ID) (again time.Duration, why string, err error)
	Expire(ctx context.Context, limit int) (int, error)
}

// Rights makes the worker of requests. One that rests, or waits for money that is on its
// way, is looked at again.
func Rights(s rightsStore) Worker {
	return func(ctx context.Context, ref id.ID) (Verdict, error) {
		again, why, err := s.Run(ctx, ref)
		return Verdict{Again: again, Why: why}, err
	}
}

// RightsChores deletes copies whose time is over.
func RightsChores(s rightsStore) []Chore {
	return []Chore{{"delete copies of personal data", 10 * time.Minute, func(ctx context.Context) error {
		return batches(ctx, 100, func(limit int) (int, error) { return s.Expire(ctx, limit) })
	}}}
}
