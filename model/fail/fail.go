// Package fail names the places where the program may be made to fail on purpose, for
// the fault campaign (app/faults). It stands below everything and imports nothing of
// ours.
//
// In a normal build every function here is empty or constant and vanishes when it is
// inlined. With `-tags faults` they obey these variables, which only this package
// reads, so that no production binary can be told to misbehave:
//
//	SIYU_FAIL        orders, comma separated. "PLACE:N" kills the process with SIGKILL
//	                 the Nth time it passes a place that begins with PLACE;
//	                 "random:P:SEED" kills it at any place with probability P;
//	                 "stall:PLACE:N:MS" holds it there for MS milliseconds every Nth
//	                 time; "deaf" lets no worker hear that its time is up.
//	SIYU_BROKEN      names of guards that are left out, comma separated
//	SIYU_FAIL_CLOCK  file of 8 bytes: milliseconds by which the clock is wrong
//	SIYU_FAIL_PACE   chores run this many times as often, and workers get that much less time
//
// A place is the point's name, "@" and the caller's: "commit.after@model/notice.(*Store).Store".
package fail
