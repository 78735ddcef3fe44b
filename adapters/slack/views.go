package slack

import (
	"context"

	"github.com/slack-go/slack"
)

// OpenView opens a modal for the person behind a trigger, which lives three
// seconds (docs.slack.dev/surfaces/modals, "Opening modals"). It returns the ID
// and the hash by which [API.UpdateView] finds it.
func (a *API) OpenView(ctx context.Context, trigger string, view slack.ModalViewRequest) (id, hash string, err error) {
	var opened *slack.ViewResponse
	err = a.call(ctx, call{method: "views.open", wait: true}, func(ctx context.Context) (e error) {
		opened, e = a.bot.OpenViewContext(ctx, trigger, view)
		return e
	})
	if err != nil {
		return "", "", err
	}
	return opened.View.ID, opened.View.Hash, nil
}

// UpdateView replaces the content of an open modal. With a hash, it is refused
// with "hash_conflict" when the modal was updated in the meantime.
func (a *API) UpdateView(ctx context.Context, id, hash string, view slack.ModalViewRequest) error {
	return a.call(ctx, call{method: "views.update", wait: true}, func(ctx context.Context) error {
		_, e := a.bot.UpdateViewContext(ctx, view, "", hash, id)
		return e
	})
}

// PublishHome replaces the content of a user's Home tab.
func (a *API) PublishHome(ctx context.Context, user string, view slack.HomeTabViewRequest) error {
	return a.call(ctx, call{method: "views.publish", key: "home/" + user, wait: true}, func(ctx context.Context) error {
		_, e := a.bot.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: view})
		return e
	})
}
