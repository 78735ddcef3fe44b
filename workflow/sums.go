package workflow

// The commands, facts and deeds are sorted into smaller closed sets, each with a
// handler of its own that names every member and has no default: a new member
// that is not handled everywhere fails the linter.

// LifecycleCommand moves an incident along its life, or into another incident.
//
//sumtype:decl
type LifecycleCommand interface {
	Command
	lifecycleCommand()
}

// PagingCommand answers, asks for, or reports a page.
//
//sumtype:decl
type PagingCommand interface {
	Command
	pagingCommand()
}

// RoomCommand reports what became of a room, or tries it again.
//
//sumtype:decl
type RoomCommand interface {
	Command
	roomCommand()
}

// RecordCommand writes down what people know and do; it moves no status and pages nobody by itself.
//
//sumtype:decl
type RecordCommand interface {
	Command
	recordCommand()
}

// LifecycleFact says where the incident stands, how severe it is, and which incident it goes on as.
//
//sumtype:decl
type LifecycleFact interface {
	Fact
	lifecycleFact()
}

// AlertFact says what its alerts did.
//
//sumtype:decl
type AlertFact interface {
	Fact
	alertFact()
}

// PagingFact says who was paged, through what, and who answered.
//
//sumtype:decl
type PagingFact interface {
	Fact
	pagingFact()
}

// RoomFact says what became of a room.
//
//sumtype:decl
type RoomFact interface {
	Fact
	roomFact()
}

// RecordFact says what people wrote down or promised.
//
//sumtype:decl
type RecordFact interface {
	Fact
	recordFact()
}

// PageDeed reaches one recipient through one method, or takes that back.
//
//sumtype:decl
type PageDeed interface {
	Deed
	pageDeed()
}

// RoomDeed changes something on a chat platform.
//
//sumtype:decl
type RoomDeed interface {
	Deed
	roomDeed()
}

// IncidentDeed goes to another incident, or to the intake.
//
//sumtype:decl
type IncidentDeed interface {
	Deed
	incidentDeed()
}

func (Declare) lifecycleCommand()     {}
func (Wake) lifecycleCommand()        {}
func (SetStatus) lifecycleCommand()   {}
func (SetSeverity) lifecycleCommand() {}
func (Resolve) lifecycleCommand()     {}
func (Close) lifecycleCommand()       {}
func (Reopen) lifecycleCommand()      {}
func (Cancel) lifecycleCommand()      {}
func (Merge) lifecycleCommand()       {}
func (Absorb) lifecycleCommand()      {}
func (Follow) lifecycleCommand()      {}

func (Acknowledge) pagingCommand()   {}
func (Unacknowledge) pagingCommand() {}
func (Page) pagingCommand()          {}
func (Escalate) pagingCommand()      {}
func (Delivered) pagingCommand()     {}
func (Undeliverable) pagingCommand() {}

func (RoomReady) roomCommand()   {}
func (RoomRefused) roomCommand() {}
func (RoomClosed) roomCommand()  {}
func (Furnished) roomCommand()   {}
func (RetryRooms) roomCommand()  {}

func (SetDetails) recordCommand()    {}
func (PostUpdate) recordCommand()    {}
func (Assign) recordCommand()        {}
func (AddNote) recordCommand()       {}
func (RemoveNote) recordCommand()    {}
func (AddTask) recordCommand()       {}
func (FinishTask) recordCommand()    {}
func (SetCause) recordCommand()      {}
func (Verify) recordCommand()        {}
func (AddLink) recordCommand()       {}
func (Invite) recordCommand()        {}
func (SetVisibility) recordCommand() {}
func (GiveUp) recordCommand()        {}

func (Declared) lifecycleFact()         {}
func (StatusChanged) lifecycleFact()    {}
func (SeverityChanged) lifecycleFact()  {}
func (IncidentResolved) lifecycleFact() {}
func (IncidentClosed) lifecycleFact()   {}
func (IncidentReopened) lifecycleFact() {}
func (IncidentCanceled) lifecycleFact() {}
func (IncidentMerged) lifecycleFact()   {}
func (IncidentAbsorbed) lifecycleFact() {}
func (MergeFollowed) lifecycleFact()    {}

func (AlertsArrived) alertFact()     {}
func (AlertsForwarded) alertFact()   {}
func (AlertsAllResolved) alertFact() {}
func (AlertsReleased) alertFact()    {}

func (EscalationStarted) pagingFact()   {}
func (StepFired) pagingFact()           {}
func (CycleBegan) pagingFact()          {}
func (NobodyReached) pagingFact()       {}
func (EscalationExhausted) pagingFact() {}
func (PagesOwed) pagingFact()           {}
func (PeoplePaged) pagingFact()         {}
func (TellPostponed) pagingFact()       {}
func (PageDelivered) pagingFact()       {}
func (PageFailed) pagingFact()          {}
func (PagesCanceled) pagingFact()       {}
func (Acknowledged) pagingFact()        {}
func (PageAnswered) pagingFact()        {}
func (Unacknowledged) pagingFact()      {}
func (AcknowledgeOverdue) pagingFact()  {}

func (RoomWanted) roomFact()      {}
func (RoomOpened) roomFact()      {}
func (RoomLost) roomFact()        {}
func (RoomFurnished) roomFact()   {}
func (RoomStepRetried) roomFact() {}
func (RoomLeft) roomFact()        {}
func (RoomRetired) roomFact()     {}
func (RoomArchived) roomFact()    {}

func (DetailsChanged) recordFact()    {}
func (UpdatePosted) recordFact()      {}
func (UpdateOverdue) recordFact()     {}
func (RoleAssigned) recordFact()      {}
func (NoteAdded) recordFact()         {}
func (NoteWithdrawn) recordFact()     {}
func (TaskAdded) recordFact()         {}
func (TaskFinished) recordFact()      {}
func (CauseSet) recordFact()          {}
func (CheckRecorded) recordFact()     {}
func (LinkAdded) recordFact()         {}
func (PeopleInvited) recordFact()     {}
func (VisibilityChanged) recordFact() {}
func (EffectGivenUp) recordFact()     {}

func (SendPage) pageDeed() {}
func (TakeBack) pageDeed() {}

func (OpenRoom) roomDeed()  {}
func (Post) roomDeed()      {}
func (ShowCard) roomDeed()  {}
func (Furnish) roomDeed()   {}
func (InviteAll) roomDeed() {}
func (CloseRoom) roomDeed() {}

func (Tell) incidentDeed()    {}
func (Reroute) incidentDeed() {}
