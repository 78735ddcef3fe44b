package web

import "tocsin/workflow"

// Platform is the name under which the browser is a chat platform.
const Platform = "web"

// Rooms are the rooms in the browser: pages that are always there. They implement
// [bot.BuiltinRooms]: what is posted is in the conversation with the commit that
// it tells of, and each open page shows it at once.
type Rooms struct{}

// Room implements [bot.BuiltinRooms].
func (Rooms) Room(incident, url string) workflow.Room {
	return workflow.Room{Platform: Platform, ID: incident, Name: incident, URL: url + "/incidents/" + incident}
}
