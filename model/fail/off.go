//go:build !faults

package fail

import (
	"context"
	"time"
)

// Point is a place where the process may die.
func Point(string) {}

// Broken tells whether a guard is left out.
func Broken(string) bool { return false }

// Skew is by how much the clock is wrong.
func Skew() time.Duration { return 0 }

// Pace is how often a chore runs that should run every d, and how long a worker may
// take that should have d.
func Pace(d time.Duration) time.Duration { return d }

// Deaf is the context that a worker gets.
func Deaf(ctx context.Context) context.Context { return ctx }
