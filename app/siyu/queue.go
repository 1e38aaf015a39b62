package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"siyu/config"
)

// queue is the connection to Redis and, when none was named, the Redis itself.
type queue struct {
	opt    asynq.RedisConnOpt
	client *asynq.Client
	rdb    redis.UniversalClient
	mini   *miniredis.Miniredis
}

// openQueue connects. The Redis inside the program keeps nothing: it only wakes, the
// outbox is what lasts.
func openQueue(ctx context.Context, c config.Redis) (*queue, error) {
	q := &queue{}
	if c.Embedded() {
		q.mini = miniredis.NewMiniRedis()
		if err := q.mini.StartAddr("127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("in-process Redis: %w", err)
		}
		go q.tick(ctx)
		c.Addr = q.mini.Addr()
	}
	var t *tls.Config
	if c.TLS {
		t = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if len(c.Cluster) > 0 {
		q.opt = asynq.RedisClusterClientOpt{Addrs: c.Cluster, Username: c.Username, Password: string(c.Password), TLSConfig: t}
	} else {
		q.opt = asynq.RedisClientOpt{Addr: c.Addr, Username: c.Username, Password: string(c.Password), DB: c.DB, TLSConfig: t}
	}
	rdb, ok := q.opt.MakeRedisClient().(redis.UniversalClient)
	if !ok {
		return nil, fmt.Errorf("asynq made an unknown Redis client")
	}
	q.rdb, q.client = rdb, asynq.NewClientFromRedisClient(rdb)
	return q, nil
}

// tick lets time pass in the in-process Redis, whose clock stands still by itself.
func (q *queue) tick(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			q.mini.FastForward(time.Second)
		}
	}
}

// Ready says whether Redis answers.
func (q *queue) Ready(ctx context.Context) error { return q.rdb.Ping(ctx).Err() }

// Close ends the connection, then the server inside.
func (q *queue) Close() {
	_ = q.rdb.Close() // nothing is lost: the outbox holds everything
	if q.mini != nil {
		q.mini.Close()
	}
}
