package main

import (
	"time"

	"siyu/job"
	"siyu/model/campaign/turnout"
)

// campaignStores are what only the panel's pages about campaigns need.
type campaignStores struct {
	Turnout *turnout.Store
}

func (e *environment) buildCampaigns() {
	e.Turnout = turnout.New(e.DB)
	e.Campaigns.UseAdvisers(e.Codes, nil)
}

// campaignChores count claims forward, so that a campaign's page reads no claims.
func (e *environment) campaignChores() []job.Chore {
	return []job.Chore{{Name: "count campaigns", Every: 5 * time.Second, Do: e.Turnout.Round}}
}
