package main

import (
	"context"
	"time"

	"siyu/job"
	"siyu/model/code"
	"siyu/model/issuance"
	"siyu/model/region"
)

// goodsStores is the part of the environment that makes batches of codes and knows where
// they are scanned.
type goodsStores struct {
	Issues  *issuance.Store
	Regions *region.Store
}

// buildGoods comes after the codes and their print packs.
func (e *environment) buildGoods() {
	e.Regions = region.New(e.DB)
	hours := func(n int) time.Duration { return time.Duration(n) * time.Hour }
	e.Issues = issuance.New(issuance.Deps{DB: e.DB, Codes: e.Codes, Exports: e.Exports, Products: e.Products, Brands: e.Brands, Regions: e.Regions,
		Options: issuance.Options{DirectMost: e.Config.Codes.DirectMost, PackAfter: hours(e.Config.Codes.PackHours), ActivateAfter: hours(e.Config.Codes.ActivateHours)}})
}

func (e *environment) goodsChores() []job.Chore {
	return []job.Chore{{Name: "count where codes are scanned", Every: 15 * time.Second, Do: e.fold}}
}

// fold counts where codes were scanned, until nothing is left to count.
func (e *environment) fold(ctx context.Context) error {
	for ctx.Err() == nil {
		if more, err := e.Regions.Fold(ctx); err != nil || !more {
			return err
		}
	}
	return ctx.Err()
}

// demoTerritory says where the demo's goods belong: a phone that scans in another city
// shows what diversion looks like.
func (e *environment) demoTerritory(ctx context.Context, b code.Batch) error {
	_, err := e.Regions.Put(ctx, region.Territory{BrandID: b.BrandID, BatchID: b.ID, From: 1, Until: b.Count + 1, Dealer: "华东总代（演示）", Provinces: []string{"上海", "浙江"}})
	return err
}
