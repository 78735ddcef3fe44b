// Package bot is the engine: it takes every change of an incident through one step
// of package workflow and stores the outcome in one commit.
//
// It also defines the ports that adapters implement: stores (ports.go, archive.go),
// pagers (pager.go) and chat platforms (chat.go); and [Organization], the
// configuration that the engine works with. It sends nothing itself and does not
// decide who may do what: the packages below bot/ stand on it and do that.
//
// Begin reading at [Engine.Apply].
package bot
