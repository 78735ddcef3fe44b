package intake

// Route is one routing rule: the first whose Match holds decides (rule I10).
type Route struct {
	Match    string   // a typed expression over alert, labels, annotations, integration
	Ignore   bool     // record the alert and do nothing else
	Service  string   // service ID
	Severity string   // an expression that gives a severity, such as labels.severity == "page" ? SEV1 : SEV3
	Group    []string // label names whose values make the group
	Line     int      // where it stands in the configuration
}
