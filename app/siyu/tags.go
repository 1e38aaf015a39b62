package main

import (
	"siyu/model/consent"
	"siyu/model/tag"
)

// tagStores is the part of the environment that keeps tags and who has them.
type tagStores struct {
	Tags *tag.Store
}

// buildTags makes the store and tells it of what moves values. Who evaluates rules and who
// builds on tags is built later and joins then.
func (e *environment) buildTags() {
	e.Tags = tag.New(tag.Deps{DB: e.DB, Outbox: e.Outbox, Consents: e.Consents, Profiles: e.Profiles, Events: e.Events})
	// Consumers are told in the order of their names: tags come behind what they look at,
	// purchases, segments' acts and tiers.
	e.Events.Consume("traits", e.Tags.Consume)
	e.Members.Follow(e.Tags.Follow)
	e.Consents.OnWithdraw(consent.Profiling, e.Tags.Forget)
	e.Consents.OnGive(consent.Profiling, e.Tags.Wake)
	e.Profiles.Answered = append(e.Profiles.Answered, e.Tags.Wake)
}
