package turnout

import "siyu/model/id"

// Estimate is what a sketch says of n members, each seen twice.
func Estimate(n int) int64 {
	s := make(sketch, sketchBytes)
	for i := range 2 * n {
		s.add(id.ID(1<<40 + i%max(n, 1)*977))
	}
	return s.estimate()
}
