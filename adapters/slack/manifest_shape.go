package slack

// manifest is the app manifest (docs.slack.dev/reference/app-manifest), as far as it is
// needed. slack-go's type leaves out fields that are false; but Slack chooses the value
// of a missing field, for example whether people may write into the Messages tab.
type manifest struct {
	Metadata struct {
		Major int `json:"major_version" yaml:"major_version"`
		Minor int `json:"minor_version" yaml:"minor_version"`
	} `json:"_metadata" yaml:"_metadata"`
	Display  manifestDisplay  `json:"display_information" yaml:"display_information"`
	Features manifestFeatures `json:"features" yaml:"features"`
	OAuth    struct {
		Scopes struct {
			Bot  []string `json:"bot" yaml:"bot"`
			User []string `json:"user,omitempty" yaml:"user,omitempty"`
		} `json:"scopes" yaml:"scopes"`
	} `json:"oauth_config" yaml:"oauth_config"`
	Settings manifestSettings `json:"settings" yaml:"settings"`
}

type manifestDisplay struct {
	Name        string `json:"name" yaml:"name"`
	Description string `json:"description" yaml:"description"`
}

type manifestFeatures struct {
	Home struct {
		HomeTab          bool `json:"home_tab_enabled" yaml:"home_tab_enabled"`
		MessagesTab      bool `json:"messages_tab_enabled" yaml:"messages_tab_enabled"`
		MessagesReadOnly bool `json:"messages_tab_read_only_enabled" yaml:"messages_tab_read_only_enabled"`
	} `json:"app_home" yaml:"app_home"`
	User struct {
		Name   string `json:"display_name" yaml:"display_name"`
		Online bool   `json:"always_online" yaml:"always_online"`
	} `json:"bot_user" yaml:"bot_user"`
	Shortcuts []manifestShortcut `json:"shortcuts" yaml:"shortcuts"`
	Commands  []manifestCommand  `json:"slash_commands" yaml:"slash_commands"`
}

type manifestShortcut struct {
	Name        string `json:"name" yaml:"name"`
	Callback    string `json:"callback_id" yaml:"callback_id"`
	Description string `json:"description" yaml:"description"`
	Type        string `json:"type" yaml:"type"`
}

type manifestCommand struct {
	Command     string `json:"command" yaml:"command"`
	URL         string `json:"url,omitempty" yaml:"url,omitempty"`
	Description string `json:"description" yaml:"description"`
	Usage       string `json:"usage_hint" yaml:"usage_hint"`
	Escape      bool   `json:"should_escape" yaml:"should_escape"`
}

type manifestSettings struct {
	Events struct {
		URL  string   `json:"request_url,omitempty" yaml:"request_url,omitempty"`
		Bots []string `json:"bot_events" yaml:"bot_events"`
	} `json:"event_subscriptions" yaml:"event_subscriptions"`
	Interactivity struct {
		On      bool   `json:"is_enabled" yaml:"is_enabled"`
		URL     string `json:"request_url,omitempty" yaml:"request_url,omitempty"`
		Options string `json:"message_menu_options_url,omitempty" yaml:"message_menu_options_url,omitempty"`
	} `json:"interactivity" yaml:"interactivity"`
	WholeOrg bool `json:"org_deploy_enabled" yaml:"org_deploy_enabled"`
	Sockets  bool `json:"socket_mode_enabled" yaml:"socket_mode_enabled"`
	// Rotation makes tokens expire after hours; Tocsin's do not expire.
	Rotation bool `json:"token_rotation_enabled" yaml:"token_rotation_enabled"`
}
