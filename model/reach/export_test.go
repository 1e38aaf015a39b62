package reach

// Pages lets a store read so many rows at once.
func (s *Store) Pages(rows int) { s.page = rows }
