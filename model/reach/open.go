package reach

import (
	"context"
	"fmt"
	"slices"

	"siyu/model/brand"
	"siyu/model/id"
)

// OpenChannels are the channels of WeChat that Open and Opens speak of.
func OpenChannels() []string { return []string{Custom, Subscribe, Mass, WeCom} }

// asksOpen are questions whether WeChat would accept a message now, by every way that a
// brand has: what a test message is asked, so that only WeChat's own rules count (follower,
// window, grant, quota, stopped channel), and neither consent nor caps nor quiet hours.
func (s *Store) asksOpen(ctx context.Context, brandID id.ID) (asks []Ask, err error) {
	accounts, err := s.AccountsOf(ctx, brandID)
	if err != nil {
		return nil, err
	}
	var uses []Use
	var ids []id.ID
	for _, a := range accounts {
		ids = append(ids, a.ID)
		for _, channel := range map[string][]string{brand.Official: {Custom, Mass}, brand.Mini: {Custom}, brand.WeCom: {WeCom}}[a.Kind] {
			uses = append(uses, Use{Channel: channel, AccountID: a.ID})
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var granted []Use
	if err := s.DB.Read(ctx).Raw("SELECT DISTINCT account_id, template_id FROM reach_grant WHERE account_id IN ? ORDER BY account_id, template_id", ids).Scan(&granted).Error; err != nil {
		return nil, fmt.Errorf("reach: open: %w", err)
	}
	for _, g := range granted {
		uses = append(uses, Use{Subscribe, g.AccountID, g.TemplateID})
	}
	for part := range slices.Chunk(uses, MaxUses) {
		a := Ask{BrandID: brandID, Purpose: Service, Uses: part, Test: true}
		if err := s.check(ctx, &a); err != nil {
			return nil, err
		}
		asks = append(asks, a)
	}
	return asks, nil
}

// Open says by which channels WeChat would accept a message to people now; who is not
// named, by none.
func (s *Store) Open(ctx context.Context, brandID id.ID, members []id.ID) (map[id.ID][]string, error) {
	out := map[id.ID][]string{}
	asks, err := s.asksOpen(ctx, brandID)
	if err != nil {
		return nil, err
	}
	for _, a := range asks {
		for part := range slices.Chunk(members, MaxMembers) {
			answers, err := s.Look(ctx, a, part)
			if err != nil {
				return nil, err
			}
			for _, x := range answers {
				for i, why := range x.Each {
					if c := a.Uses[i].Channel; why == "" && !slices.Contains(out[x.MemberID], c) {
						out[x.MemberID] = append(out[x.MemberID], c)
					}
				}
			}
		}
	}
	return out, nil
}

// Opens is Open of everybody: it yields people by channel, in chunks, roots only, one call
// at a time; somebody may be named for a channel more than once.
func (s *Store) Opens(ctx context.Context, brandID id.ID, yield func(channel string, people []id.ID) error) error {
	asks, err := s.asksOpen(ctx, brandID)
	if err != nil {
		return err
	}
	for _, a := range asks {
		err := s.pages(ctx, a, func(f *facts, people []id.ID) error {
			found := map[string][]id.ID{}
			for _, m := range people {
				x, _ := f.answer(m)
				for i, why := range x.Each {
					if c := a.Uses[i].Channel; why == "" {
						found[c] = append(found[c], m)
					}
				}
			}
			for channel, list := range found {
				if err := yield(channel, slices.Compact(list)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
