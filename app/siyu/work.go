package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"siyu/job"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/export"
	"siyu/model/fault"
	"siyu/model/id"
)

// workers is how many tasks run at once in one process. They mostly wait: for WeChat, and
// for the commit that they share.
const workers = 128

// work starts the relay, the workers and the chores.
func (p *process) work(ctx context.Context, wg *sync.WaitGroup) (stop func(), err error) {
	e := p.env
	who := accounts{e.Brands, p.cfg.PublicURL}
	limits := job.PayLimits{RedpackPerSecond: p.cfg.Pay.RedpackPerSecond, TransferPerSecond: p.cfg.Pay.TransferPerSecond,
		UserPacketsPerDay: p.cfg.Pay.UserPacketsPerDay, UserFenPerDay: p.cfg.Pay.UserFenPerDay, Night: p.cfg.Pay.Night.Has}
	payouts := job.NewPayouts(e.Packets, p.wechat, who, e.Clock, job.NewRates(p.queue.rdb, p.log, clock.Wall), limits)
	recon := p.reconciler()
	pushes := p.pushes(job.NewRates(p.queue.rdb, p.log, clock.Wall))
	notices := job.NewNotices(e.Notices, e.Packets, listeners{e})
	messages := job.NewMessages(e.Messages, p.wechat, who)
	messages.UseQuiet(e.Clock, e.quietUntil)
	runner := job.NewRunner(e.Outbox, p.wecomWorkers(map[string]job.Worker{
		job.TaskPayout: payouts.Drive, job.TaskNotice: notices.Apply, job.TaskMessage: messages.Send, job.TaskExport: exports(e.Exports),
		job.TaskEvents: job.Deliver(e.Events), job.TaskRegroup: e.regrouped(),
		job.TaskImport: imports(e.Imports), job.TaskRights: job.Rights(e.Rights),
		job.TaskReferral: job.Lists(e.Referrals), job.TaskExtract: job.Extract(e.Extracts), job.TaskPushFreeze: pushes.Freeze, job.TaskPushSend: pushes.Send, job.TaskPushBack: pushes.Back, job.TaskTag: job.Tag(e.Tags), job.TaskTagTouch: job.TagTouch(e.Tags), job.TaskFraud: e.settleFraud, job.TaskReconcile: recon.Run, job.TaskWithdrawal: job.Withdrawals(e.Withdrawals, e.Messages, p.loyalty().Address),
	}, notices), p.log, p.reg, clock.Wall)

	relay := job.NewRelay(e.Outbox, p.queue.client, asynq.NewInspectorFromRedisClient(p.queue.rdb), p.log, 500*time.Millisecond)
	if p.queue.mini != nil && e.DB.Driver() == db.SQLite { // nobody else's queue or database
		if _, err := relay.Restart(ctx, e.Clock.Now()); err != nil {
			return nil, fmt.Errorf("work: %w", err)
		}
	}
	server := asynq.NewServer(p.queue.opt, job.ServerConfig(workers, p.log))
	if err := server.Start(runner.Mux()); err != nil {
		return nil, fmt.Errorf("workers: %w", err)
	}
	cron := &job.Cron{Relay: relay, Outbox: e.Outbox, Packets: e.Packets, Campaigns: e.Campaigns, Ledger: e.Ledger, Replay: e.Replay,
		Messages: e.Messages, Brands: e.Brands, Exports: e.Exports, Operators: e.Operators,
		Events: event.NewProjector(e.Events), Letters: e.Intake, Clock: e.Clock, Log: p.log, PublicURL: p.cfg.PublicURL, Metrics: p.reg}
	loops, cancel := context.WithCancel(ctx)
	wg.Go(func() { relay.Loop(loops) })
	wg.Go(func() {
		job.Loop(loops, p.log, slices.Concat(cron.Chores(), p.loyalty().Chores(), e.importChores(), e.groupChores(), e.auditChores(), p.leaderChores(), p.commission().Chores(), e.wecomChores(), job.RightsChores(e.Rights), job.ReferralChores(e.Referrals), job.ExtractChores(e.Extracts), pushes.Chores(), job.TagChores(e.Tags), e.homeChores(), e.goodsChores(), e.holdoutChores(), e.campaignChores(), e.settingsChores(), e.reachChores(), e.segmentChores(), recon.Chores()))
	})
	return func() {
		cancel()
		server.Shutdown() // waits for running tasks, within ServerConfig's time
	}, nil
}

// exports adapts the export runner. An export that another worker holds is looked at
// again later: that worker may have died.
func exports(s *export.Store) job.Worker {
	return func(ctx context.Context, ref id.ID) (job.Verdict, error) {
		err := s.Run(ctx, ref)
		if fault.Of(err) != nil && fault.Of(err).Code == "export_busy" {
			return job.Verdict{Again: time.Minute, Why: "另一个进程正在生成"}, nil
		}
		return job.Verdict{}, err
	}
}
