// Package inbound is the server side of Slack: it receives slash commands,
// mentions, buttons, forms, reactions and messages, over Socket Mode or as signed
// requests, has the bot carry them out, and answers. All calls of Slack are made
// through package slack.
//
// Slack waits three seconds for an acknowledgement. A delivery that takes longer
// is acknowledged with an empty body, and its answer is sent separately. A repeated
// delivery is carried out once, and gets the same acknowledgement.
package inbound

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"tocsin/adapters/slack"
	"tocsin/bot/platform"
)

// shutdownGrace is how long running deliveries may take to end on shutdown.
const shutdownGrace = 5 * time.Second

// Server receives what Slack sends for a workspace. It is safe for concurrent
// use.
type Server struct {
	workspace *slack.Workspace
	app       platform.Application
	log       *slog.Logger

	signatures *signatures
	dedup      *dedup
	lanes      *lanes
	workers    *workers
	rooms      *roomCache

	// Limits that tests shorten.
	ackTimeout  time.Duration
	bodyTimeout time.Duration
	maxSilence  time.Duration
}

var _ platform.Inbound = (*Server)(nil)

// New builds a server that has the application carry out what people do in the
// workspace.
func New(workspace *slack.Workspace, app platform.Application) *Server {
	return &Server{
		workspace: workspace, app: app, log: workspace.API.Log(),
		signatures: newSignatures(workspace.API.SigningSecret(), app.Now), dedup: newDedup(), lanes: newLanes(), workers: newWorkers(), rooms: newRoomCache(),
		ackTimeout: ackTimeout, bodyTimeout: bodyTimeout, maxSilence: maxSilence,
	}
}

// Run receives what Slack sends through sockets, if there is an app-level token,
// and keeps the members of user groups current. It returns when the context has
// ended and every delivery under way, whichever way it came, is done.
func (s *Server) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { s.workspace.Directory.Run(ctx) })
	if s.workspace.API.HasSocketMode() {
		for range socketCount {
			all.Go(func() { s.keepConnected(ctx) })
		}
	}
	<-ctx.Done()
	all.Wait()
	s.workers.close(shutdownGrace)
}

// sleep waits for a while, or until the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
