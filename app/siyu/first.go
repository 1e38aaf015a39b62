package main

import (
	"context"

	"siyu/config"
	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/id"
)

// ensureFirst creates the brand, accounts and operator that the environment names, if
// they are not there. What is there is left as it is: from then on the panel decides.
func ensureFirst(ctx context.Context, e *environment) error {
	f := e.Config.First
	if f.Operator.Login != "" {
		if _, err := e.Operators.EnsureFirst(ctx, f.Operator.Login, string(f.Operator.Password)); err != nil {
			return err
		}
	}
	if f.Brand.Slug == "" {
		return nil
	}
	b, err := e.Brands.BySlug(ctx, f.Brand.Slug)
	if fault.KindOf(err) == fault.NotFound {
		b, err = e.Brands.Create(ctx, brand.Brand{Slug: f.Brand.Slug, Name: f.Brand.Name, CodeHost: f.Brand.CodeHost,
			UpperURL: f.Brand.UpperURL, SupportPhone: f.Brand.SupportPhone})
	}
	if err != nil {
		return err
	}
	for kind, a := range map[string]config.Account{brand.Official: f.Official, brand.Mini: f.Mini} {
		if a.AppID == "" {
			continue
		}
		acc := brand.Account{BrandID: b.ID, Kind: kind, AppID: a.AppID, Name: named(a.Name, b.Name), CallbackSlug: f.Brand.Slug + "-" + kind,
			Settings: brand.Settings{Secure: a.Secure}}
		if err := ensureAccount(ctx, e, acc, brand.Secrets{AppSecret: string(a.Secret), Token: string(a.Token), AESKey: string(a.AESKey)}); err != nil {
			return err
		}
	}
	return ensureMerchant(ctx, e, b.ID, f.Brand.Slug, f.Merchant)
}

func ensureMerchant(ctx context.Context, e *environment, brandID id.ID, slug string, m config.Merchant) error {
	if m.MchID == "" {
		return nil
	}
	return ensureAccount(ctx, e, brand.Account{BrandID: brandID, Kind: brand.Merchant, AppID: m.MchID, Name: named(m.SendName, m.MchID), CallbackSlug: slug + "-pay-" + m.MchID,
		Settings: brand.Settings{Rail: m.Rail, SignType: m.SignType, SceneIDV2: m.SceneIDV2, TransferSceneID: m.TransferSceneID,
			SerialNo: m.SerialNo, PublicKeyID: m.PublicKeyID, SendName: m.SendName, PayAppID: m.AppID}},
		brand.Secrets{APIKeyV2: string(m.APIKeyV2), ClientCertPEM: string(m.ClientCertPEM), ClientKeyPEM: string(m.ClientKeyPEM),
			APIv3Key: string(m.APIv3Key), PrivateKeyPEM: string(m.PrivateKeyPEM), PublicKeyPEM: string(m.PublicKeyPEM)})
}

func ensureAccount(ctx context.Context, e *environment, a brand.Account, s brand.Secrets) error {
	_, err := e.Brands.AccountByApp(ctx, a.Kind, a.AppID)
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	_, err = e.Brands.SaveAccount(ctx, a, s)
	return err
}

func named(name, fallback string) string {
	if name != "" {
		return name
	}
	return fallback
}
