package job_test

import (
	"context"
	"errors"
	"testing"

	"siyu/job"
	"siyu/model/id"
	"siyu/model/tag"
)

// tagWork answers as a store would.
type tagWork struct {
	job.Tags
	err     error
	touched []id.ID
}

func (w *tagWork) Work(context.Context, id.ID) error { return w.err }
func (w *tagWork) Touch(_ context.Context, members ...id.ID) error {
	w.touched = append(w.touched, members...)
	return w.err
}

func TestATagThatAnotherWorkerComputesIsLookedAtAgain(t *testing.T) {
	w := &tagWork{err: tag.ErrBusy}
	if v, err := job.Tag(w)(context.Background(), 1); err != nil || v.Again == 0 || v.Why == "" {
		t.Fatal(v, err)
	}
	w.err = errors.New("the database is away")
	if v, err := job.Tag(w)(context.Background(), 1); !errors.Is(err, w.err) || v.Again != 0 {
		t.Fatal(v, err)
	}
	w.err = nil
	if v, err := job.Tag(w)(context.Background(), 1); err != nil || v.Again != 0 {
		t.Fatal(v, err)
	}
	if _, err := job.TagTouch(w)(context.Background(), 7); err != nil || len(w.touched) != 1 || w.touched[0] != 7 {
		t.Fatal(w.touched, err)
	}
}
