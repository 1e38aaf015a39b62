package main

import (
	"context"
	"fmt"

	"siyu/model/clock"
	"siyu/model/region"
)

const seedTerritories = 10 // of each batch

// territories say where goods belong, from the first day on: most provinces, so that some
// codes are seen elsewhere.
func (s *seeder) territories(ctx context.Context) error {
	each := int64(s.codes()/seedGoods + 1)
	for b, batch := range s.batches {
		for i := range int64(seedTerritories) {
			t := region.Territory{BrandID: s.brand, BatchID: batch, From: 1 + i*each/seedTerritories, Until: 1 + (i+1)*each/seedTerritories, Dealer: fmt.Sprintf("经销商 %d-%d", b+1, i+1)}
			for c, place := range seedCities {
				if place[0] != "" && (c+b+int(i))%4 != 0 {
					t.Provinces = append(t.Provinces, region.Short(place[0]))
				}
			}
			if _, err := s.env.Regions.Put(ctx, t); err != nil {
				return err
			}
		}
	}
	return s.exec(ctx, "UPDATE territory SET created_at = ?", s.from)
}

// places counts where codes were scanned, as a running program does, and has some of the
// goods that were seen elsewhere decided about.
func (s *seeder) places(ctx context.Context) error {
	begun := clock.Wall()
	if err := s.env.fold(ctx); err != nil {
		return err
	}
	for state, rest := range map[string]int{region.Confirmed: 1, region.Dismissed: 2} {
		if err := s.exec(ctx, "UPDATE diversion SET state = ?, decided_by = 1, decided_at = ?, reason = '已与经销商核实' WHERE id DIV 1048576 % 5 = ?", state, s.now, rest); err != nil {
			return err
		}
	}
	var regions, diversions, codes int64
	row := s.env.DB.Pool().QueryRowContext(ctx, "SELECT (SELECT COUNT(*) FROM scan_region), (SELECT COUNT(*) FROM diversion), (SELECT COUNT(*) FROM diversion_code)")
	if err := row.Scan(&regions, &diversions, &codes); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%-16s %10d rows, %d diversions of %d codes %6.1f s\n", "scan_region", regions, diversions, codes, clock.Wall().Sub(begun).Seconds())
	return nil
}
