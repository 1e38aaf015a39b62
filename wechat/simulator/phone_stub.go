package simulator

import "net/http"

type browser struct{}

func (s *Simulator) phonePages() http.Handler { return http.NotFoundHandler() }

func (s *Simulator) browse(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
