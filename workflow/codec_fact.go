package workflow

// factDecoder returns the function that decodes facts of a stored kind, or nil when
// this version does not know the kind.
func factDecoder(kind string) func([]byte) (Fact, error) {
	for _, find := range []func(string) func([]byte) (Fact, error){
		lifecycleDecoder, alertDecoder, pagingDecoder, roomDecoder, recordDecoder,
	} {
		if decode := find(kind); decode != nil {
			return decode
		}
	}
	return nil
}

func lifecycleDecoder(kind string) func([]byte) (Fact, error) {
	switch kind {
	case "declared":
		return decodeFact[Declared]
	case "status_changed":
		return decodeFact[StatusChanged]
	case "severity_changed":
		return decodeFact[SeverityChanged]
	case "plan_replaced":
		return decodeFact[PlanReplaced]
	case "resolved":
		return decodeFact[IncidentResolved]
	case "closed":
		return decodeFact[IncidentClosed]
	case "reopened":
		return decodeFact[IncidentReopened]
	case "canceled":
		return decodeFact[IncidentCanceled]
	case "merged":
		return decodeFact[IncidentMerged]
	case "absorbed":
		return decodeFact[IncidentAbsorbed]
	case "merge_target_updated":
		return decodeFact[MergeTargetUpdated]
	}
	return nil
}

func alertDecoder(kind string) func([]byte) (Fact, error) {
	switch kind {
	case "alerts_arrived":
		return decodeFact[AlertsArrived]
	case "alerts_forwarded":
		return decodeFact[AlertsForwarded]
	case "alerts_all_resolved":
		return decodeFact[AlertsAllResolved]
	case "alerts_released":
		return decodeFact[AlertsReleased]
	case "alerts_held":
		return decodeFact[AlertsHeld]
	case "alerts_judged":
		return decodeFact[AlertsJudged]
	}
	return nil
}

func pagingDecoder(kind string) func([]byte) (Fact, error) {
	switch kind {
	case "escalation_started":
		return decodeFact[EscalationStarted]
	case "step_fired":
		return decodeFact[StepFired]
	case "escalation_repeated":
		return decodeFact[EscalationRepeated]
	case "no_one_reached":
		return decodeFact[NoOneReached]
	case "escalation_exhausted":
		return decodeFact[EscalationExhausted]
	case "pages_queued":
		return decodeFact[PagesQueued]
	case "people_paged":
		return decodeFact[PeoplePaged]
	case "notice_postponed":
		return decodeFact[NoticePostponed]
	case "page_delivered":
		return decodeFact[PageDelivered]
	case "page_failed":
		return decodeFact[PageFailed]
	case "pages_canceled":
		return decodeFact[PagesCanceled]
	case "acknowledged":
		return decodeFact[Acknowledged]
	case "page_answered":
		return decodeFact[PageAnswered]
	case "unacknowledged":
		return decodeFact[Unacknowledged]
	case "acknowledge_overdue":
		return decodeFact[AcknowledgeOverdue]
	}
	return nil
}

func roomDecoder(kind string) func([]byte) (Fact, error) {
	switch kind {
	case "room_wanted":
		return decodeFact[RoomWanted]
	case "room_opened":
		return decodeFact[RoomOpened]
	case "room_unavailable":
		return decodeFact[RoomUnavailable]
	case "room_step_finished":
		return decodeFact[RoomStepFinished]
	case "room_step_retried":
		return decodeFact[RoomStepRetried]
	case "room_abandoned":
		return decodeFact[RoomAbandoned]
	case "room_archive_due":
		return decodeFact[RoomArchiveDue]
	case "room_archived":
		return decodeFact[RoomArchived]
	}
	return nil
}

func recordDecoder(kind string) func([]byte) (Fact, error) {
	switch kind {
	case "details_changed":
		return decodeFact[DetailsChanged]
	case "update_posted":
		return decodeFact[UpdatePosted]
	case "update_overdue":
		return decodeFact[UpdateOverdue]
	case "role_assigned":
		return decodeFact[RoleAssigned]
	case "note_added":
		return decodeFact[NoteAdded]
	case "note_withdrawn":
		return decodeFact[NoteWithdrawn]
	case "action_item_added":
		return decodeFact[ActionItemAdded]
	case "action_item_completed":
		return decodeFact[ActionItemCompleted]
	case "cause_set":
		return decodeFact[CauseSet]
	case "check_recorded":
		return decodeFact[CheckRecorded]
	case "link_added":
		return decodeFact[LinkAdded]
	case "people_invited":
		return decodeFact[PeopleInvited]
	case "visibility_changed":
		return decodeFact[VisibilityChanged]
	case "effect_given_up":
		return decodeFact[EffectGivenUp]
	}
	return nil
}
