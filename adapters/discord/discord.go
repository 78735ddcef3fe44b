// Package discord describes Discord as a chat platform. Accounts of people can be
// configured; this version does not connect to Discord.
package discord

import "tocsin/bot/platform"

// Description describes Discord as a chat platform.
func Description() platform.Description {
	return platform.Description{
		Name: "discord", Title: "Discord",
		Account: platform.ID{IsValid: isAccount, Noun: "user", Example: "80351110224678912", Want: `a Discord user ID, such as "80351110224678912" (in developer mode: Copy User ID)`},
	}
}

// isAccount reports whether text is a user's ID: a number of 64 bits with 15 to 20
// digits (https://docs.discord.com/developers/reference#snowflakes).
func isAccount(text string) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) >= 15 && len(text) <= 20
}
