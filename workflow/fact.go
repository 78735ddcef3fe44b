package workflow

// Fact is something that happened to an incident. Facts are never changed or
// removed; each is stored under the name that [FactKind] returns. The members are
// sorted into [LifecycleFact], [AlertFact], [PagingFact], [RoomFact] and
// [RecordFact]; [UnknownFact] stands alone.
//
//sumtype:decl
type Fact interface {
	// fact is the stable name under which the fact is stored.
	fact() string
}

// FactKind returns the name under which a fact is stored, such as "step_fired".
func FactKind(f Fact) string { return f.fact() }

// UnknownFact is a fact that a newer version of Tocsin has stored. It is kept as it
// is and changes nothing.
type UnknownFact struct {
	Kind    string
	Version int
	Body    []byte
}

func (f UnknownFact) fact() string { return f.Kind }
