//go:build !faults

package fail

import "time"

// Point is a place where the process may die.
func Point(string) {}

// Broken tells whether a guard is left out.
func Broken(string) bool { return false }

// Skew is by how much the clock is wrong.
func Skew() time.Duration { return 0 }

// Pace is how often a chore runs that should run every d.
func Pace(d time.Duration) time.Duration { return d }
