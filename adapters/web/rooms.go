package web

import "tocsin/workflow"

// Platform is the name of the browser as a chat platform.
const Platform = "web"

// Rooms are the rooms in the browser, which always exist. They implement
// [bot.BuiltinRooms]: a post is part of the conversation with the commit that
// it reports, and every open page shows it at once.
type Rooms struct{}

// Room implements [bot.BuiltinRooms].
func (Rooms) Room(incident, url string) workflow.Room {
	return workflow.Room{Platform: Platform, ID: incident, Name: incident, URL: url + "/incidents/" + incident}
}
